"""Forward, backward, clipping and AdamW with Transformers' model, or with PEFT's adapters on it: eager mode, SDPA attention,
fused AdamW."""

import peer

settings = peer.setup("transformers")

import torch
import torch.nn.functional as F

model = peer.load_model(settings).train()
if settings["lora"] is not None:
    from peft import get_peft_model

    model = get_peft_model(model, peer.lora_config(settings))
adam = settings["adam"]
trained = [p for p in model.parameters() if p.requires_grad]
matrices = [p for p in trained if p.dim() > 1]
vectors = [p for p in trained if p.dim() == 1]
optimizer = torch.optim.AdamW(
    [{"params": matrices, "weight_decay": adam["weightDecay"]}, {"params": vectors, "weight_decay": 0.0}],
    lr=adam["learningRate"],
    betas=(adam["beta1"], adam["beta2"]),
    eps=adam["eps"],
    fused=True,
)

rows = [torch.tensor(row) for row in settings["rows"]]
pad = torch.nn.utils.rnn.pad_sequence
ids = pad([r[:-1] for r in rows], batch_first=True, padding_value=settings["pad"])
targets = pad([r[1:] for r in rows], batch_first=True, padding_value=-100)
mask = pad([torch.ones(len(r) - 1, dtype=torch.long) for r in rows], batch_first=True)


def repetition():
    for _ in range(settings["steps"]):
        logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, adam["gradClipNorm"])
        optimizer.step()
        optimizer.zero_grad()
    return {"loss": loss.item()}


peer.serve(settings, repetition)
