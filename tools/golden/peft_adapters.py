"""Golden numbers of PEFT: src/models/fixtures/peft/NAME/.

    pip install torch transformers peft      (made with torch 2.15.0, transformers 5.23.0, peft 0.21.2)
    python tools/golden/peft_adapters.py

Each folder is a PEFT folder with random adapters, also for B, on one of the tiny models of transformers_models.py, and
`golden.safetensors`: `input_ids` int64 [2, 12], `loss` [1], `grad.NAME` = ∂loss/∂NAME for every tensor NAME of
adapter_model.safetensors, and `logits` [2, 12, 40]; or, of a reward model, `rewards` [2].

The loss is the mean cross-entropy of the next token, or −log σ(reward of the first text − reward of the second).
"""

import json
import shutil
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

FIXTURES = Path(__file__).parents[2] / "src/models/fixtures"
ALL = dict(target_modules="all-linear", lora_dropout=0.0)
CASES = {
    # untied embeddings
    "llama": ("llama", LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=8, **ALL)),
    # tied embeddings, and biases on q, k and v
    "qwen2": ("qwen2", LoraConfig(task_type="CAUSAL_LM", r=3, lora_alpha=10, **ALL)),
    # ranks and alphas by layer, alpha / √r, and only some layers
    "patterns": (
        "llama",
        LoraConfig(
            task_type="CAUSAL_LM", r=2, lora_alpha=3, use_rslora=True, target_modules=["q_proj", "v_proj", "mlp.up_proj"],
            rank_pattern={"q_proj": 4, r"layers\.1\.mlp\.up_proj": 1}, alpha_pattern={"layers.0.self_attn.v_proj": 7},
        ),
    ),
    # the head is trained in full
    "reward": ("qwen3", LoraConfig(task_type="SEQ_CLS", r=2, lora_alpha=4, **ALL)),
    # windows, scaled embeddings, and norms after both blocks
    "gemma3": ("gemma3", LoraConfig(task_type="CAUSAL_LM", r=2, lora_alpha=4, **ALL)),
    "gemma3-reward": ("gemma3", LoraConfig(task_type="SEQ_CLS", r=2, lora_alpha=4, **ALL)),
}  # fmt: skip

for seed, (name, (base, config)) in enumerate(CASES.items()):
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    kind, options = (
        (AutoModelForSequenceClassification, {"num_labels": 1})
        if config.task_type == "SEQ_CLS"
        else (AutoModelForCausalLM, {})
    )
    load = lambda: kind.from_pretrained(FIXTURES / base, attn_implementation="eager", dtype="float32", **options)
    model = get_peft_model(load(), config)
    for p in model.parameters():
        if p.requires_grad:
            p.data = 0.3 * torch.randn(p.shape, generator=generator)
    ids = torch.randint(2, model.config.vocab_size, (2, 12), generator=generator)

    def forward(model):
        if config.task_type != "SEQ_CLS":
            out = model(input_ids=ids, labels=ids)
            return out.loss, {"logits": out.logits}
        rewards = model(input_ids=ids).logits.squeeze(-1)
        return -torch.nn.functional.logsigmoid(rewards[0] - rewards[1]), {"rewards": rewards}

    loss, outputs = forward(model)
    loss.backward()
    short = lambda n: n.replace(".default", "").replace(".modules_to_save", "")
    grads = {f"grad.{short(n)}": p.grad for n, p in model.named_parameters() if p.requires_grad}

    folder = FIXTURES / "peft" / name
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "README.md").unlink()
    path = folder / "adapter_config.json"
    saved = json.loads(path.read_text())
    saved["base_model_name_or_path"] = f"../../{base}"
    if isinstance(saved["target_modules"], list):
        saved["target_modules"].sort()  # a set, in another order each time
    path.write_text(json.dumps(saved, indent=2) + "\n")
    golden = {"input_ids": ids, "loss": loss.detach().reshape(1), **grads, **outputs}
    save_file({k: v.detach().contiguous() for k, v in golden.items()}, folder / "golden.safetensors")

    assert {f"grad.{n}" for n in load_file(folder / "adapter_model.safetensors")} == set(grads)
    again, _ = forward(PeftModel.from_pretrained(load(), folder))
    assert torch.allclose(again, loss, atol=1e-6), name
    print(f"{name}: loss {loss:.4f}, {len(grads)} tensors, {sum(f.stat().st_size for f in folder.iterdir())} bytes")
