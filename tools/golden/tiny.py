"""Shared by the golden scripts for TRL's trainers: a tiny random Qwen3 with the tokenizer of the miniature model."""

from pathlib import Path

from torch.utils.data import SequentialSampler
from transformers import AutoTokenizer, Qwen3Config

ROOT = Path(__file__).parents[2]
tokenizer = AutoTokenizer.from_pretrained(ROOT / "models/miniature-base")


def tiny_config(**more):
    return Qwen3Config(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=8, max_position_embeddings=512, tie_word_embeddings=True, bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, dtype="float32",
        rope_parameters={"rope_type": "default", "rope_theta": 1e4}, **more,
    )  # fmt: skip


class InOrder:
    """Makes a trainer read its rows in order and record its steps."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.steps, self.first = [], None

    def _get_train_sampler(self, *_, **__):
        return SequentialSampler(self.train_dataset)
