"""Transformers' generate: the whole vocabulary at temperature 1, or greedy; key/value cache, a fixed number of tokens."""

import peer

settings = peer.setup("transformers")

import torch

model = peer.load_model(settings).eval()
model.generation_config.eos_token_id = None
# Greedy search refuses several sequences for a prompt.
prompts = torch.tensor(settings["prompts"]).repeat_interleave(settings["group"], 0)
sampling = {"do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0}
new = settings["newTokens"]


@torch.inference_mode()
def repetition():
    out = model.generate(
        prompts,
        attention_mask=torch.ones_like(prompts),
        **(sampling if settings["temperature"] == 1 else {"do_sample": False}),
        max_new_tokens=new,
        pad_token_id=settings["pad"],
    )
    assert out.shape == (len(prompts), prompts.shape[1] + new), out.shape
    return {}


peer.serve(settings, repetition)
