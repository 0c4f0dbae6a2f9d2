"""Golden numbers of TRL at temperatures other than 1: src/engines/local/model/fixtures/trl-temperature.json.

    pip install torch trl transformers      (made with torch 2.15.0, trl 1.16.0, transformers 5.23.0)
    python tools/golden/trl_temperature.py

TRL's own `GRPOTrainer._get_per_token_logps_and_entropies` and `_compute_loss`, with a model prepared as the trainer does
for its `temperature`, on the tiny Qwen3 of src/models/fixtures/qwen3. π_old and π_ref are models whose weights differ a little, scored by TRL at the same temperature.
Saves the tokens, log-probs, entropies, the loss (`loss_type` "dapo", k3 KL) and gradients: whole for the two norms below,
and the norm of every parameter's.
"""

import json
from collections import defaultdict
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import torch
from transformers import AutoModelForCausalLM
from trl.trainer.grpo_trainer import GRPOTrainer, add_fused_lm_head

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "src/models/fixtures/qwen3"
OUT = ROOT / "src/engines/local/model/fixtures/trl-temperature.json"
N, P, T, V = 4, 5, 6, 40
LENGTHS = [6, 2, 5, 4]
EPSILON, BETA = 0.2, 0.05
WHOLE = ["model.norm.weight", "model.layers.0.self_attn.q_norm.weight"]

generator = torch.Generator().manual_seed(0)
prompts = torch.randint(2, V, (N, P), generator=generator)
completions = torch.randint(2, V, (N, T), generator=generator)
advantages = torch.tensor([1.0, -0.5, 0.7, -1.2])
mask = (torch.arange(T) < torch.tensor(LENGTHS)[:, None]).long()


def load(temperature, noise=0.0):
    model = AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.float32, attn_implementation="eager")
    g = torch.Generator().manual_seed(1)
    for p in model.parameters():
        p.data += noise * torch.randn(p.shape, generator=g)
    add_fused_lm_head(model, temperature=temperature, outputs=("log_probs", "entropy"))
    return model


def trainer(model):
    t = object.__new__(GRPOTrainer)
    t.args = SimpleNamespace(use_bias_correction_kl=False, delta=None, steps_per_generation=1)
    t.accelerator = SimpleNamespace(
        num_processes=1, sync_gradients=True, gather=lambda x: x, reduce=lambda x, reduction: x,
        is_main_process=False, autocast=nullcontext,
    )  # fmt: skip
    t.model = model
    t.loss_type, t.importance_sampling_level = "dapo", "token"
    t.epsilon_low = t.epsilon_high = EPSILON
    t.beta, t.max_completion_length, t.current_gradient_accumulation_steps = BETA, T, 1
    t.aux_loss_enabled = t.use_vllm = t._entropy_bonus_enabled = False
    t.top_entropy_quantile, t.off_policy_mask_threshold = 1.0, None
    t._metrics = {"train": defaultdict(list), "eval": defaultdict(list)}
    return t


def score(model):
    ids, attention = torch.cat([prompts, completions], 1), torch.cat([torch.ones_like(prompts), mask], 1)
    t = trainer(model)
    logps, entropies, _ = t._get_per_token_logps_and_entropies(model, ids, attention, T, compute_entropy=True)
    return logps.detach(), entropies.detach()


def case(temperature):
    model = load(temperature)
    logprobs, entropies = score(model)
    old, _ = score(load(temperature, 0.005))
    reference, _ = score(load(temperature, 0.1))
    inputs = {
        "prompt_ids": prompts, "prompt_mask": torch.ones_like(prompts), "completion_ids": completions,
        "completion_mask": mask, "advantages": advantages, "old_per_token_logps": old,
        "ref_per_token_logps": reference, "num_items_in_batch": mask.sum().float(),
    }  # fmt: skip
    model.train()
    t = trainer(model)
    loss = t._compute_loss(model, inputs)
    loss.backward()
    values = lambda x: [float(f"{v:.9g}") for v in x.flatten().tolist()]
    rows = lambda x: [values(row[:length]) for row, length in zip(x, LENGTHS)]
    gradients = {name: p.grad for name, p in model.named_parameters()}
    return {
        "temperature": temperature, "logprobs": rows(logprobs), "entropies": rows(entropies), "old": rows(old),
        "reference": rows(reference), "loss": loss.item(),
        "gradients": {name: values(gradients[name]) for name in WHOLE},
        "norms": {name: float(f"{g.norm().item():.9g}") for name, g in gradients.items()},
    }  # fmt: skip


golden = {
    "prompts": prompts.tolist(),
    "completions": [row[:length].tolist() for row, length in zip(completions, LENGTHS)],
    "advantages": [float(f"{a:.9g}") for a in advantages.tolist()],
    "epsilon": EPSILON,
    "beta": BETA,
}
cases = ",\n".join(json.dumps(case(temperature)) for temperature in [0.6, 1.3])
OUT.parent.mkdir(exist_ok=True)
OUT.write_text(json.dumps({**golden, "cases": []}).replace('"cases": []', f'"cases": [\n{cases}\n]') + "\n")
print(OUT.stat().st_size, "bytes:", OUT)
