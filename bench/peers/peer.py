"""Shared by all peers: a JSON line on stdin requests one repetition, a JSON line on stdout returns its seconds."""

import json
import os
import sys
import time

# Libraries print to stdout, which is for answers only; their output goes to stderr.
_answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def receive():
    line = sys.stdin.readline()
    if not line:
        os._exit(0)
    return json.loads(line)


def send(answer):
    print(json.dumps(answer), file=_answers, flush=True)


def setup(*libraries):
    """Receives the settings and imports the libraries; adds their names and versions as the title."""
    settings = receive()
    try:
        adapters = ["peft"] if settings.get("lora") is not None else []
        modules = [__import__(name) for name in ("torch", *libraries, *adapters)]
    except ImportError as error:
        send({"missing": str(error)})
        sys.exit()
    modules[0].set_num_threads(settings["threads"])
    settings["title"] = ", ".join(f"{m.__name__} {m.__version__}" for m in modules)
    return settings


def load_model(settings):
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(
        settings["model"], dtype=torch.float32, attn_implementation="sdpa"
    )


def lora_config(settings):
    """Adapters on all linear layers of the decoder."""
    from peft import LoraConfig

    rank = settings["lora"]
    return LoraConfig(
        r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
    )


def serve(settings, repetition):
    send({"title": settings["title"]})
    while True:
        receive()
        start = time.perf_counter()
        facts = repetition()
        send({"seconds": time.perf_counter() - start, **facts})
