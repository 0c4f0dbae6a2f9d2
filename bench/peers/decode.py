"""Transformers' generate: do_sample at temperature 1 over the whole vocabulary, key/value cache, a fixed number of tokens."""

import peer

settings = peer.setup("transformers")

import torch

model = peer.load_model(settings).eval()
model.generation_config.eos_token_id = None
prompts = torch.tensor(settings["prompts"])
new = settings["newTokens"]


@torch.inference_mode()
def repetition():
    out = model.generate(
        prompts,
        attention_mask=torch.ones_like(prompts),
        num_return_sequences=settings["group"],
        do_sample=True,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        max_new_tokens=new,
        pad_token_id=settings["pad"],
    )
    assert out.shape == (len(prompts) * settings["group"], prompts.shape[1] + new), out.shape
    return {}


peer.serve(settings, repetition)
