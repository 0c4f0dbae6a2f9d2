"""Golden numbers of TRL's DPO and SimPO: src/stages/supervise/fixtures/dpo/golden.json.

    pip install torch transformers trl datasets      (made with torch 2.15.0, transformers 5.24.0, trl 1.16.0)
    python tools/golden/dpo.py

Three steps of TRL's own `DPOTrainer` (AdamW, constant learning rate, gradients clipped to norm 1) on the tiny random Qwen3 of
fixtures/sft with the tokenizer and chat template of models/miniature-base, once for each loss.

`rows`: the pairs in TRL's format with the tokens of prompt and answers; `runs`: for each loss the `loss`, the `grad_norm`
(before clipping), and the rewards' mean `margin` and `accuracy` of each step; `simpo`: losses of `CPOTrainer.cpo_loss` for
log-probs of answers.
"""

import json
import logging
import tempfile
from types import SimpleNamespace

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM
from trl import DPOConfig, DPOTrainer
from trl.experimental.cpo import CPOTrainer

from tiny import ROOT, InOrder, tokenizer

MODEL = ROOT / "src/stages/supervise/fixtures/sft"
OUT = ROOT / "src/stages/supervise/fixtures/dpo"
STEPS, BATCH, LR, BETA = 3, 4, 1e-2, 0.3
logging.disable(logging.WARNING)

say = lambda role, content: {"role": role, "content": content}
user, assistant = (lambda text: say("user", text)), (lambda text: say("assistant", text))
chat = lambda prompt, chosen, rejected: {
    "prompt": prompt, "chosen": [assistant(chosen)], "rejected": [assistant(rejected)],
}  # fmt: skip
ROWS = [
    chat([user("Compute 2+3.")], "<think>\n2+3=5\n</think>\n<answer>5</answer>", "<answer>6</answer>"),
    chat([user("Hi there!")], "Hello. What shall we compute?", "No."),
    chat([say("system", "Be brief."), user("What is 9*9?")], "81", " ".join(f"{n} and" for n in range(20))),
    chat([user("Tom has 3 apples."), assistant("Yes."), user("He eats one. How many?")], "Two.", "Three."),
    chat([user("Why?")], "Because 4 is even.", "Because 5 is even, as 5 = 2 * 2 + 1."),
    chat([user("Compute 7-9")], "<think>Wait, 7 is less.</think><answer>-2</answer>", "2"),
    chat([user("1"), assistant("One."), user("2")], "Two.", "2"),
    chat([user("Say it in Chinese.")], "等等，让我检查一下。", "Wait, let me check."),
    chat([user("Long?")], "No.", " ".join(f"{n} and" for n in range(30))),
    chat([user("Compute 1+1.")], "2", "3"),
    chat([user("And now?")], "Now we stop.", "Now we go on."),
    chat([user("Again.")], "Again", "Again and again"),
]
assert len(ROWS) == STEPS * BATCH


class Recorded(InOrder, DPOTrainer):
    """Records what Trainer rounds or discards, and the tokens that it sees."""

    def compute_loss(self, model, inputs, return_outputs=False, **options):
        assert len(inputs["input_ids"]) == 2 * BATCH
        for ids, mask, attention in zip(inputs["input_ids"], inputs["completion_mask"], inputs["attention_mask"]):
            kept = attention.bool()
            self.seen.append({"tokens": ids[kept].tolist(), "learned": mask[kept].tolist()})
        return super().compute_loss(model, inputs, return_outputs=return_outputs, **options)

    def training_step(self, model, inputs, *args, **options):
        loss = super().training_step(model, inputs, *args, **options)
        norms = torch.stack([p.grad.norm() for p in model.parameters()])
        last = lambda name: self._metrics["train"][name][-1]
        self.steps.append({
            "loss": loss.item(), "grad_norm": torch.linalg.vector_norm(norms).item(),
            "margin": last("rewards/margins"), "accuracy": last("rewards/accuracies"),
        })  # fmt: skip
        return loss


def train(loss_type):
    with tempfile.TemporaryDirectory() as temporary:
        args = DPOConfig(
            output_dir=temporary, max_steps=STEPS, per_device_train_batch_size=BATCH, learning_rate=LR,
            lr_scheduler_type="constant", max_grad_norm=1.0, weight_decay=0.0, adam_beta2=0.999, bf16=False,
            gradient_checkpointing=False, max_length=None, report_to=[], save_strategy="no", use_cpu=True, seed=0,
            disable_tqdm=True, logging_strategy="no", beta=BETA, loss_type=loss_type, disable_dropout=True,
        )  # fmt: skip
        load = lambda: AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32, attn_implementation="eager")
        Recorded.seen = []
        trainer = Recorded(
            model=load(), ref_model=load(), args=args, train_dataset=Dataset.from_list(ROWS), processing_class=tokenizer
        )
        trainer.train()
        return trainer.steps, Recorded.seen


def simpo(beta, gamma, smoothing):
    g = torch.Generator().manual_seed(0)
    chosen, rejected = -3 * torch.rand(6, generator=g), -3 * torch.rand(6, generator=g)
    t = SimpleNamespace(
        alpha=0.0, accelerator=SimpleNamespace(device="cpu"), loss_type="simpo", simpo_gamma=gamma, beta=beta,
        label_smoothing=smoothing,
    )  # fmt: skip
    losses, *_ = CPOTrainer.cpo_loss(t, chosen, rejected)
    return {
        "beta": beta, "margin": gamma, "labelSmoothing": smoothing,
        "chosen": chosen.tolist(), "rejected": rejected.tolist(), "losses": losses.tolist(),
    }  # fmt: skip


runs, seen = {}, []
for name in ["sigmoid", "ipo", "sigmoid_norm"]:
    runs[name], seen = train(name)
# a batch is the chosen answers, then the rejected ones
answers = [
    {"chosen": seen[s * 2 * BATCH + k], "rejected": seen[s * 2 * BATCH + BATCH + k]}
    for s in range(STEPS) for k in range(BATCH)
]  # fmt: skip
OUT.mkdir(exist_ok=True)
lines = lambda values: "[\n" + ",\n".join(json.dumps(v, ensure_ascii=False) for v in values) + "\n]"
text = "{" + f'"learning_rate": {LR}, "batch": {BATCH}, "beta": {BETA},\n"runs": {json.dumps(runs)},\n'
text += f'"simpo": {lines([simpo(2.0, 0.5, 0.0), simpo(2.5, 1.4, 0.1), simpo(0.1, 0.0, 0.25)])},\n'
text += f'"rows": {lines([{**row, "encoded": e} for row, e in zip(ROWS, answers)])}' + "}\n"
(OUT / "golden.json").write_text(text, encoding="utf8")
print(json.dumps(runs, indent=1))
