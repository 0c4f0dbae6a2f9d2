"""Golden numbers of TRL's reward-model training: src/stages/supervise/fixtures/reward/.

    pip install torch transformers trl datasets      (made with torch 2.15.0, transformers 5.24.0, trl 1.16.0)
    python tools/golden/reward.py

Three steps of TRL's own `RewardTrainer` (AdamW, constant learning rate, gradients clipped to norm 1) on a tiny random
`Qwen3ForSequenceClassification` with one label and the tokenizer and chat template of models/miniature-base.

`golden.json`: the pairs in TRL's format with their tokens; `steps`: the `loss`, the `grad_norm` (before clipping) and the
rewards of each step; `pointwise`: the same for PyTorch's binary cross-entropy with the initial weights, where the chosen
texts of the first batch are labelled 1 and the rejected texts 0. `golden.safetensors`: the gradients of both at the first
step, as `pairs.NAME` and `pointwise.NAME`.
"""

import json
import logging
import shutil
import tempfile

import torch
from datasets import Dataset
from safetensors.torch import save_file
from transformers import AutoModelForSequenceClassification
from trl import RewardConfig, RewardTrainer

from tiny import ROOT, InOrder, tiny_config, tokenizer

OUT = ROOT / "src/stages/supervise/fixtures/reward"
STEPS, BATCH, LR = 3, 4, 1e-2
logging.disable(logging.WARNING)

say = lambda role, content: {"role": role, "content": content}
user, assistant = (lambda text: say("user", text)), (lambda text: say("assistant", text))
chat = lambda prompt, chosen, rejected: {
    "prompt": prompt, "chosen": [assistant(chosen)], "rejected": [assistant(rejected)],
}  # fmt: skip
plain = lambda prompt, chosen, rejected: {"prompt": prompt, "chosen": chosen, "rejected": rejected}
CHATS = [
    chat([user("Compute 2+3.")], "<think>\n2+3=5\n</think>\n<answer>5</answer>", "<answer>6</answer>"),
    chat([user("Hi there!")], "Hello. What shall we compute?", "No."),
    chat([say("system", "Be brief."), user("What is 9*9?")], "81", " ".join(f"{n} and" for n in range(20))),
    chat([user("Tom has 3 apples."), assistant("Yes."), user("He eats one. How many?")], "Two.", "Three."),
    chat([user("Why?")], "Because 4 is even.", "Because 5 is even, as 5 = 2 * 2 + 1."),
    chat([user("Compute 7-9")], "<think>Wait, 7 is less.</think><answer>-2</answer>", "2"),
    chat([user("1"), assistant("One."), user("2")], "Two.", "2"),
    chat([user("Say it in Chinese.")], "等等，让我检查一下。", "Wait, let me check."),
]
TEXTS = [
    plain("Question: 1+1? Answer:", " 2", " 11, since 1 and 1 are 11"),
    plain("The sky is", " blue. It is clear.", " green."),
    plain("Tom has", " an apple", " a apple"),
    plain("A", " b c d", " d c b"),
]
assert len(CHATS) + len(TEXTS) == STEPS * BATCH

config = tiny_config(num_labels=1)


class Recorded(InOrder, RewardTrainer):
    """Records what Trainer rounds or discards."""

    def compute_loss(self, model, inputs, return_outputs=False, **options):
        assert len(inputs["input_ids"]) == 2 * BATCH
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True, **options)
        chosen, rejected = outputs.logits.squeeze(-1).tolist()[:BATCH], outputs.logits.squeeze(-1).tolist()[BATCH:]
        self.rewards = {"chosen": chosen, "rejected": rejected}
        return (loss, outputs) if return_outputs else loss

    def training_step(self, model, inputs, *args, **options):
        loss = super().training_step(model, inputs, *args, **options)
        grads, norm = gradients(model)
        self.steps.append({"loss": loss.item(), "grad_norm": norm, **self.rewards})
        self.first = self.first or grads
        return loss


def gradients(model):
    grads = {name: p.grad.detach().clone() for name, p in model.named_parameters()}
    return grads, torch.linalg.vector_norm(torch.stack([g.norm() for g in grads.values()])).item()


def load(folder):
    return AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")


def trainer_of(model, rows, folder, steps):
    args = RewardConfig(
        output_dir=folder, max_steps=steps, per_device_train_batch_size=BATCH, learning_rate=LR,
        lr_scheduler_type="constant", max_grad_norm=1.0, weight_decay=0.0, adam_beta2=0.999, bf16=False,
        gradient_checkpointing=False, max_length=None, report_to=[], save_strategy="no", use_cpu=True, seed=0,
        disable_tqdm=True, logging_strategy="no",
    )  # fmt: skip
    return Recorded(model=model, args=args, train_dataset=Dataset.from_list(rows), processing_class=tokenizer)


def pointwise(folder, pairs):
    model = load(folder)
    texts = [(row["chosen_ids"], 1.0) for row in pairs] + [(row["rejected_ids"], 0.0) for row in pairs]
    padded = tokenizer.pad({"input_ids": [ids for ids, _ in texts]}, return_tensors="pt")
    rewards = model(**padded).logits.squeeze(-1)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(rewards, torch.tensor([label for _, label in texts]))
    loss.backward()
    grads, norm = gradients(model)
    return {"loss": loss.item(), "grad_norm": norm}, grads


torch.manual_seed(0)
generator = torch.Generator().manual_seed(0)
model = AutoModelForSequenceClassification.from_config(config).float()
for name, p in model.named_parameters():
    noise = torch.randn(p.shape, generator=generator)
    p.data = 1 + 0.2 * noise if "norm" in name else 0.3 * noise
shutil.rmtree(OUT, ignore_errors=True)
model.save_pretrained(OUT)

with tempfile.TemporaryDirectory() as temporary:
    # TRL takes a table to be conversational or not as a whole, so the plain texts are tokenized separately
    trainers = [trainer_of(load(OUT), rows, temporary, STEPS) for rows in (CHATS, TEXTS)]
    encoded = [row for trainer in trainers for row in trainer.train_dataset]
    trainer = trainer_of(load(OUT), [{k: row[k] for k in ("chosen_ids", "rejected_ids")} for row in encoded], temporary, STEPS)
    trainer.train()
single, single_grads = pointwise(OUT, encoded[:BATCH])

rows = [
    {**row, "tokens": {"chosen": ids["chosen_ids"], "rejected": ids["rejected_ids"]}}
    for row, ids in zip(CHATS + TEXTS, encoded, strict=True)
]
golden = {"learning_rate": LR, "batch": BATCH, "rows": [], "steps": trainer.steps, "pointwise": single}
lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
text = json.dumps(golden).replace('"rows": []', f'"rows": [\n{lines}\n]')
(OUT / "golden.json").write_text(text + "\n", encoding="utf8")
save_file(
    {f"pairs.{name}": g.contiguous() for name, g in trainer.first.items()}
    | {f"pointwise.{name}": g.contiguous() for name, g in single_grads.items()},
    OUT / "golden.safetensors",
)
print(*trainer.steps, single, sep="\n")
print(sum(f.stat().st_size for f in OUT.iterdir()), "bytes in", OUT)
