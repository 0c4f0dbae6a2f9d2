"""Does PEFT load a PEFT folder that Ruminate wrote, and compute the same? By hand, not in the tests.

    python tools/golden/peft_check.py PEFT_DIR BASE_DIR < numbers.json

`numbers.json`, from tools/peft-check.ts: token ids, and what Ruminate computed for them with the folder: the loss (the mean
cross-entropy of the next token), the log-probs of the next tokens, and the gradient of every tensor.
"""

import json
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

folder, base = sys.argv[1:]
numbers = json.load(sys.stdin)
model = AutoModelForCausalLM.from_pretrained(base, dtype="float32", attn_implementation="eager")
model = PeftModel.from_pretrained(model, folder, is_trainable=True)
for p in model.parameters():
    p.data = p.data.float()
ids = torch.tensor(numbers["ids"])
out = model(input_ids=ids, labels=ids)
out.loss.backward()
logprobs = out.logits.log_softmax(-1)[:, :-1].gather(2, ids[:, 1:, None]).squeeze(-1)

failed = False


def report(name, error, limit=1e-4):
    global failed
    failed |= not error < limit
    print(f"{name}: {error:.2e}{'' if error < limit else '  TOO LARGE'}")


report("loss, relative", abs(out.loss.item() - numbers["loss"]) / out.loss.item())
report("log-probs, largest difference", (logprobs - torch.tensor(numbers["logprobs"])).abs().max().item(), 1e-3)
errors = {}
for name, p in model.named_parameters():
    if p.requires_grad:
        theirs, ours = p.grad, torch.tensor(numbers["gradients"][name.replace(".default", "")]).reshape(p.shape)
        errors[name] = ((theirs - ours).norm() / theirs.norm().clamp_min(1e-8)).item()
worst = max(errors, key=errors.get)
report(f"gradients of {len(errors)} tensors, largest relative difference ({worst})", errors[worst])
sys.exit(failed)
