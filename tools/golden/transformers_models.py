"""Golden numbers of Transformers: the folders of src/models/fixtures/.

    pip install torch transformers      (made with torch 2.15.0, transformers 5.23.0)
    python tools/golden/transformers_models.py

Each folder is a Hugging Face directory of a tiny random float32 model, and `golden.safetensors`:
`input_ids` int64 [2, 12], `logits` [2, 12, 40], `loss` [1] (mean cross-entropy of the next token over the 22 positions that
have one) and `grad.NAME` = ∂loss/∂NAME for every parameter NAME of model.safetensors; of a model with vision, for those of
its language model, by the names that they have without vision.
"""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    Gemma3Config,
    Gemma3TextConfig,
    LlamaConfig,
    MistralConfig,
    Qwen2Config,
    Qwen3Config,
)

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
GEMMA3 = {
    "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
    "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
}
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
    # five layers with a window to one without, and the longer wavelengths of the larger models
    "gemma3": Gemma3TextConfig(
        **SMALL | dict(num_hidden_layers=7, num_key_value_heads=1), head_dim=8, sliding_window=5,
        query_pre_attn_scalar=8, rope_parameters=GEMMA3,
    ),
    "gemma3-older": Gemma3TextConfig(
        **SMALL, head_dim=12, sliding_window=3, query_pre_attn_scalar=6, attention_bias=True,
        layer_types=["full_attention", "sliding_attention"], tie_word_embeddings=False,
    ),
    "gemma3-vision": Gemma3Config(
        text_config=dict(
            **{k: v for k, v in SMALL.items() if k != "dtype"}, model_type="gemma3_text", head_dim=8, sliding_window=4,
            sliding_window_pattern=2,
        ),
        vision_config=dict(
            hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, image_size=8, patch_size=4,
            vision_use_head=False,
        ),
        image_token_index=39, boi_token_index=38, eoi_token_index=37, mm_tokens_per_image=4, dtype="float32",
    ),
    "mistral": MistralConfig(**SMALL, sliding_window=4, rope_parameters={"rope_type": "default", "rope_theta": 1e4}),
    "qwen2-window": Qwen2Config(
        **SMALL, use_sliding_window=True, sliding_window=4, max_window_layers=1, tie_word_embeddings=True,
        rope_parameters={"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4},
    ),
}  # fmt: skip


def randomise(model, generator):
    """Weights large enough for attention, norms and biases to matter. Gemma's norms add 1 to their weights."""
    one = 0 if model.config.model_type.startswith("gemma") else 1
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=generator)
        p.data = one + 0.2 * noise if "norm" in name else 0.3 * noise


def older_layout(path):
    """rope_theta and rope_scaling at the top level, as Transformers 4 wrote them and most checkpoints have them."""
    config = json.loads(path.read_text())
    rope = config.pop("rope_parameters")
    if "full_attention" in rope:
        config["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
        rope = rope["full_attention"]
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = None if rope == {"rope_type": "default"} else rope
    config["torch_dtype"] = config.pop("dtype")
    path.write_text(json.dumps(config, indent=2) + "\n")


for seed, (name, config) in enumerate(CONFIGS.items()):
    generator = torch.Generator().manual_seed(seed)
    loader = AutoModelForImageTextToText if name.endswith("vision") else AutoModelForCausalLM
    model = loader.from_config(config, attn_implementation="eager").float()
    randomise(model, generator)
    ids = torch.randint(0, 37 if name.endswith("vision") else 40, (2, 12), generator=generator)
    out = model(input_ids=ids, labels=ids)
    out.loss.backward()

    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if name in ("llama", "gemma3-older"):
        older_layout(folder / "config.json")
    golden = {"input_ids": ids, "logits": out.logits.detach(), "loss": out.loss.detach().reshape(1)}
    text = {n.replace("model.language_model.", "model."): p for n, p in model.named_parameters() if p.grad is not None}
    golden |= {f"grad.{n}": p.grad for n, p in text.items()}
    save_file({k: v.contiguous() for k, v in golden.items()}, folder / "golden.safetensors")

    saved = load_file(folder / "model.safetensors")
    saved = {n.removeprefix("language_model.") for n in saved if not n.startswith(("vision_tower", "multi_modal"))}
    assert {f"grad.{n}" for n in saved} == {k for k in golden if k.startswith("grad.")}
    again = loader.from_pretrained(folder, attn_implementation="eager")(input_ids=ids).logits
    assert torch.allclose(again, out.logits, atol=1e-6), name
    size = sum(f.stat().st_size for f in folder.iterdir())
    print(f"{name}: loss {out.loss:.4f}, {len(saved)} tensors, {size} bytes in {folder}")
