"""Golden numbers for src/models/gguf/read/dequantise.test.ts: random blocks and what ggml's types make of them, as by the
Python package gguf.

python dequantise.py > src/models/gguf/fixtures/dequantise.json
"""
import base64
import json
import sys

import numpy as np
from gguf import GGMLQuantizationType, GGML_QUANT_SIZES
from gguf.quants import dequantize

random = np.random.default_rng(17)
BLOCKS = 3
# The bytes of the half-precision numbers in a block, which must be finite.
HALVES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
    "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0], "F16": [0], "BF16": [], "F32": [],
}
cases = {}
for name, halves in HALVES.items():
    kind = GGMLQuantizationType[name]
    size, width = GGML_QUANT_SIZES[kind]
    count = BLOCKS if size > 1 else 64
    if name == "F32":
        data = random.normal(size=count).astype(np.float32).view(np.uint8).reshape(count, width)
    elif name == "BF16":
        data = np.ascontiguousarray(random.normal(size=count).astype(np.float32).view(np.uint16)[1::2]).view(np.uint8).reshape(count, width)
    else:
        data = random.integers(0, 256, size=(count, width), dtype=np.uint8)
        for at in halves:
            data[:, at:at + 2] = random.normal(size=(count, 1)).astype(np.float16).view(np.uint8)
    values = dequantize(data, kind).astype(np.float32)
    encode = lambda array: base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    cases[name] = {"bytes": encode(data), "values": encode(values)}
json.dump(cases, sys.stdout, indent=1)
print()
