"""Loads a model folder that Ruminate saved with Transformers, and samples from it.

    python tools/golden/transformers_load.py MODEL_DIR TEXTS.json

TEXTS.json is a list of prompts. Prints JSON: for each, the tokenizer's `ids`, the greedy `continuation` of 64 tokens (float32,
no end token) and its `text`.
"""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

NEW = 64
directory, texts = sys.argv[1], json.loads(Path(sys.argv[2]).read_text(encoding="utf8"))
tokenizer = AutoTokenizer.from_pretrained(directory)
model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
model.generation_config.eos_token_id = None


@torch.inference_mode()
def complete(text):
    ids = tokenizer(text, return_tensors="pt").input_ids
    out = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=NEW,
        pad_token_id=tokenizer.pad_token_id,
    )
    continuation = out[0, ids.shape[1] :].tolist()
    assert len(continuation) == NEW, len(continuation)
    return {"ids": ids[0].tolist(), "continuation": continuation, "text": tokenizer.decode(continuation)}


print(json.dumps([complete(text) for text in texts]))
