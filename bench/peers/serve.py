"""llama.cpp's server (xllamacpp) with a GGUF file, to which bench/serve sends its requests."""

import peer

settings = peer.receive()
try:
    import xllamacpp
except ImportError as error:
    peer.send({"missing": str(error)})
    raise SystemExit

params = xllamacpp.CommonParams()
params.model.path = settings["gguf"]
params.n_parallel = settings["clients"]
params.n_ctx = settings["clients"] * settings["context"]
params.cpuparams.n_threads = settings["threads"]
params.cpuparams_batch.n_threads = settings["threads"]
params.cpuparams.poll = 0
params.cpuparams_batch.poll = 0
params.port = 0
server = xllamacpp.Server(params)
peer.send({"title": f"xllamacpp {xllamacpp.__version__}", "url": server.listening_address})
while True:
    peer.receive()
