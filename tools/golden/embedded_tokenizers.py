"""Makes the golden ids of src/models/tokenizer/tokenizer-files.test.ts for the tokenizers of the embedded models.

    pip install sentencepiece transformers && python tools/golden/embedded_tokenizers.py

Writes src/models/tokenizer/fixtures/MODEL.json: random texts, and their ids by SentencePiece's own library, which reads
tokenizer.model, and by Transformers, which reads tokenizer.json. Fails if they differ.
"""

import json
import random
from pathlib import Path

from sentencepiece import SentencePieceProcessor
from transformers import AutoTokenizer

ROOT = Path(__file__).parents[2]
PARTS = [
    *"abehist 197.,\n=+-*()<>#'\"的苹é",
    *["等等", "错了", "👍", "👩‍👩‍👧", "  ", "    ", "\t", "\r\n", "\n\n", " the", " and", "Wait", "check", "tion", "\\boxed{"],
    *["import os\n", "def f(x):\n    return x\n", "\u0301", "\u00a0", "\u200b", "\ufeff", "ﬁ", "𝔘", "Я", "हि", "\0", "<0x41>"],
    *["<think>", "</think>", "<answer>", "</answer>"],
]  # fmt: skip

for name in ["miniature-base", "miniature-r1-base"]:
    folder = ROOT / "models" / name
    pieces = SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    draw = random.Random(name)
    texts = ["", " ", "User: What is 18+57? Assistant:", "让我检查一下：商店有 9 个苹果。\n"]
    texts += ["".join(draw.choices(PARTS, k=draw.randint(1, 20))) for _ in range(200)]
    ids = [pieces.encode(text) for text in texts]
    assert ids == [tokenizer.encode(text) for text in texts]
    lines = [json.dumps(one, ensure_ascii=True, separators=(",", ":")) for one in (texts, ids)]
    file = ROOT / "src/models/tokenizer/fixtures" / f"{name}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text('{"texts":%s,\n"ids":%s}\n' % tuple(lines))
