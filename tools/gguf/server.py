"""llama.cpp's server (the Python package xllamacpp) on a GGUF file, for the comparisons in this folder.

python server.py FILE.gguf    prints its address, and ends when its standard input is closed
"""
import sys

import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.port = 0
params.n_ctx = 1024
params.n_parallel = 1
# More threads wait for each other on a busy machine.
params.cpuparams.n_threads = 1
params.cpuparams_batch.n_threads = 1
params.warmup = False
params.verbosity = 0
# Keys and values as float32, so that only the weights' own format matters.
params.cache_type_k = xllamacpp.ggml_type.GGML_TYPE_F32
params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
