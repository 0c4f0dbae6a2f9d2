"""The hashes in src/models/gguf/write/quantise.test.ts: ggml's reference quantisers on the same values.

    python tools/golden/ggml_quantise.py libggml-base.so

The library is in the npm package @node-llama-cpp/linux-x64, or is built with llama.cpp.
"""

import ctypes
import hashlib
import json
import sys

import numpy as np

lib = ctypes.CDLL(sys.argv[1])
# the same numbers as in the test
s=1
vals=[]
n=256*64
def rnd():
    global s
    s=(s*1103515245+12345)&0xffffffff
    return s/2**32
for i in range(n):
    block=i//256
    x=(rnd()+rnd()+rnd()-1.5)*10.0**-(block%9)
    if block==1: x=0.0
    if block==2: x=0.25
    if block==3: x=abs(x)
    if block==4 and i%32<31: x=0.0
    if i%97==0: x*=20
    vals.append(x)
x=np.array(vals,dtype=np.float64).astype(np.float32)
out={}
for name,blk,byt in [('q8_0',32,34),('q5_0',32,22),('q4_K',256,144),('q6_K',256,210)]:
    y=np.zeros(x.size//blk*byt,dtype=np.uint8)
    f=getattr(lib,f'quantize_row_{name}_ref'); f.argtypes=[ctypes.c_void_p,ctypes.c_void_p,ctypes.c_int64]
    f(x.ctypes.data,y.ctypes.data,x.size)
    out[name]=[hashlib.sha256(y.tobytes()).hexdigest(), y[:byt].tolist()[:12]]
print(json.dumps(out))
