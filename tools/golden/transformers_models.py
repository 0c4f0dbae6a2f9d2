"""Golden numbers of Transformers: src/models/fixtures/{qwen3,qwen2,llama}/.

    pip install torch transformers      (made with torch 2.15.0, transformers 5.23.0)
    python tools/golden/transformers_models.py

Each folder is a Hugging Face directory of a tiny random float32 model, and `golden.safetensors`:
`input_ids` int64 [2, 12], `logits` [2, 12, 40], `loss` [1] (mean cross-entropy of the next token over the 22 positions that
have one) and `grad.NAME` = ∂loss/∂NAME for every parameter NAME of model.safetensors.
"""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config, Qwen3Config

OUT = Path(__file__).parents[2] / "src/models/fixtures"
SMALL = dict(
    vocab_size=40,
    hidden_size=16,
    intermediate_size=24,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=64,
    bos_token_id=None,
    eos_token_id=0,
    pad_token_id=1,
    dtype="float32",
)
# Wavelengths in all three bands of Llama 3's scaling: kept, interpolated, divided.
LLAMA3 = dict(
    rope_type="llama3",
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=32,
)
CONFIGS = {
    "qwen3": Qwen3Config(
        **SMALL, head_dim=8, tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 1e4}
    ),
    "qwen2": Qwen2Config(
        **SMALL, tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 1e6}
    ),
    "llama": LlamaConfig(
        **{**SMALL, "hidden_size": 32},
        tie_word_embeddings=False,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_theta": 100.0, **LLAMA3},
    ),
}  # fmt: skip


def randomise(model, generator):
    """Weights large enough for attention, norms and biases to matter."""
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=generator)
        p.data = 1 + 0.2 * noise if "norm" in name else 0.3 * noise


def older_layout(path):
    """rope_theta and rope_scaling at the top level, as Transformers 4 wrote them and most checkpoints have them."""
    config = json.loads(path.read_text())
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = rope
    config["torch_dtype"] = config.pop("dtype")
    path.write_text(json.dumps(config, indent=2) + "\n")


for seed, (name, config) in enumerate(CONFIGS.items()):
    generator = torch.Generator().manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").float()
    randomise(model, generator)
    ids = torch.randint(0, config.vocab_size, (2, 12), generator=generator)
    out = model(input_ids=ids, labels=ids)
    out.loss.backward()

    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if name == "llama":
        older_layout(folder / "config.json")
    golden = {"input_ids": ids, "logits": out.logits.detach(), "loss": out.loss.detach().reshape(1)}
    golden |= {f"grad.{n}": p.grad for n, p in model.named_parameters()}
    save_file({k: v.contiguous() for k, v in golden.items()}, folder / "golden.safetensors")

    saved = load_file(folder / "model.safetensors")
    assert {f"grad.{n}" for n in saved} == {k for k in golden if k.startswith("grad.")}
    again = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager")(input_ids=ids).logits
    assert torch.allclose(again, out.logits, atol=1e-6), name
    size = sum(f.stat().st_size for f in folder.iterdir())
    print(f"{name}: loss {out.loss:.4f}, {len(saved)} tensors, {size} bytes in {folder}")
