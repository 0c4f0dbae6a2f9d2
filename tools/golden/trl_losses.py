"""Golden losses of TRL: src/algorithms/fixtures/trl-losses.json.

    pip install torch trl transformers      (made with torch 2.15.0, trl 1.16.0, transformers 5.23.0)
    python tools/golden/trl_losses.py

Runs TRL's own `GRPOTrainer._compute_loss` on random log-probs, which are leaves of the graph so that no model is needed,
and saves the inputs, the loss and its gradient with respect to the log-probs.
"""

import json
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import torch
from trl.trainer.grpo_trainer import GRPOTrainer

N, T = 6, 7
LENGTHS = [7, 1, 4, 6, 2, 5]
OUT = Path(__file__).parents[2] / "src/algorithms/fixtures/trl-losses.json"


def trainer(logprobs, loss_type, level, low, high, beta, delta, gate=(1.0, 1.05)):
    t = object.__new__(GRPOTrainer)
    t._get_per_token_logps_and_entropies = lambda *_, **__: (logprobs, torch.zeros_like(logprobs), None)
    t.args = SimpleNamespace(
        use_bias_correction_kl=False, delta=delta, steps_per_generation=1,
        sapo_temperature_pos=gate[0], sapo_temperature_neg=gate[1],
    )  # fmt: skip
    t.accelerator = SimpleNamespace(
        num_processes=1, sync_gradients=True, gather=lambda x: x, reduce=lambda x, reduction: x
    )
    t.model = SimpleNamespace(training=True)
    t.loss_type, t.importance_sampling_level = loss_type, level
    t.epsilon_low, t.epsilon_high, t.beta = low, high, beta
    t.max_completion_length, t.current_gradient_accumulation_steps = T, 1
    t.aux_loss_enabled = t.use_vllm = t._entropy_bonus_enabled = False
    t.top_entropy_quantile, t.off_policy_mask_threshold = 1.0, None
    t._metrics = {"train": defaultdict(list)}
    return t


def case(seed, loss_type, level, low, high, beta, delta, drift, *gate):
    g = torch.Generator().manual_seed(seed)
    normal = lambda *shape: torch.randn(*shape, generator=g)
    mask = (torch.arange(T) < torch.tensor(LENGTHS)[:, None]).long()
    logprobs = (-2 * torch.rand(N, T, generator=g) - 0.05).requires_grad_()
    old = logprobs.detach() + drift * normal(N, T)  # as after several updates on the same batch
    reference = logprobs.detach() + 0.5 * normal(N, T)
    advantages = normal(N)
    inputs = {
        "prompt_ids": torch.zeros(N, 1, dtype=torch.long),
        "prompt_mask": torch.ones(N, 1, dtype=torch.long),
        "completion_ids": torch.zeros(N, T, dtype=torch.long),
        "completion_mask": mask,
        "advantages": advantages,
        "old_per_token_logps": old,
        "ref_per_token_logps": reference,
        "num_items_in_batch": mask.sum().float(),
    }
    t = trainer(logprobs, loss_type, level, low, high, beta, delta, *gate)
    loss = t._compute_loss(t.model, inputs)
    loss.backward()
    tokens = mask.bool()
    assert torch.all(logprobs.grad[~tokens] == 0)
    values = lambda x: [float(f"{v:.9g}") for v in x.detach()[tokens].tolist()]
    return {
        "loss_type": loss_type, "level": level, "epsilon_low": low, "epsilon_high": high, "beta": beta,
        "delta": delta, **({"gate": gate[0]} if gate else {}), "max_tokens": T, "lengths": LENGTHS,
        "advantages": [float(f"{a:.9g}") for a in advantages.tolist()],
        "logprobs": values(logprobs), "old": values(old), "reference": values(reference),
        "loss": loss.item(), "gradient": values(logprobs.grad),
        # shares of the tokens (of the sequences for a sequence ratio); CISPO reports other numbers
        "clipped_low": t._metrics["train"].get("clip_ratio/low_mean", [None])[0],
        "clipped_high": t._metrics["train"].get("clip_ratio/high_mean", [None])[0],
    }  # fmt: skip


settings = [
    (kind, "token", low, high, beta, None, 0.4)
    for kind in ["grpo", "dr_grpo", "dapo"]
    for low, high in [(0.2, 0.2), (0.2, 0.28)]
    for beta in [0.0, 0.04]
]
# TRL's upper bound of the unclipped ratio is the dual clip.
settings += [("grpo", "token", 0.2, 0.28, 0.0, 1.4, 0.6)]
settings += [("cispo", "token", 0.2, bound, beta, None, 0.8) for bound in [1.28, 5.0] for beta in [0.0, 0.04]]
settings += [("grpo", "sequence", 0.2, 0.28, beta, None, 0.4) for beta in [0.0, 0.04]]
settings += [("grpo", "sequence", 3e-4, 4e-4, 0.0, None, 1e-3)]
settings += [("sapo", "token", 0.2, 0.2, beta, None, 0.8, gate) for gate in [(1.0, 1.05), (0.5, 3.0)] for beta in [0.0, 0.04]]
settings += [("sapo", "sequence", 0.2, 0.2, 0.0, None, 0.4, (1.0, 1.05))]
OUT.write_text("[\n" + ",\n".join(json.dumps(case(i, *s)) for i, s in enumerate(settings)) + "\n]\n")
print(f"{len(settings)} cases, {OUT.stat().st_size} bytes: {OUT}")
