"""Golden numbers of TRL's supervised fine-tuning: src/stages/supervise/fixtures/sft/.

    pip install torch transformers trl datasets      (made with torch 2.15.0, transformers 5.24.0, trl 1.16.0)
    python tools/golden/sft.py

Three steps of TRL's own `SFTTrainer` (assistant_only_loss, AdamW, constant learning rate, gradients clipped to norm 1) on
a tiny random Qwen3 with the tokenizer and chat template of models/miniature-base, once with padded batches and once
packed (padding_free: one row, with position_ids that restart at each conversation).

`golden.json`: the conversations, their `tokens` and `learned` (the assistant mask), and for both runs the `loss` and
`grad_norm` (before clipping) of each step. `golden.safetensors`: the padded run's gradients of the first step.
"""

import json
import logging
import shutil
import tempfile

import torch
from datasets import Dataset
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer

from tiny import ROOT, InOrder, tiny_config, tokenizer

OUT = ROOT / "src/stages/supervise/fixtures/sft"
STEPS, BATCH, LR = 3, 4, 1e-2
logging.disable(logging.WARNING)

say = lambda role, content, **more: {"role": role, "content": content, **more}
user, assistant = (lambda text: say("user", text)), (lambda text, **more: say("assistant", text, **more))
CONVERSATIONS = [
    [user("Compute 2+3."), assistant("<think>\n2+3=5\n</think>\n<answer>5</answer>")],
    [user("Hi there!"), assistant("Hello. What shall we compute?")],
    [say("system", "Be brief."), user("What is 9*9?"), assistant("81")],
    [user("Tom has 3 apples."), assistant("Yes."), user("He eats one. How many are left?"), assistant("Two.")],
    [user("Why?"), assistant("Because 4 is even.", reasoning_content="4 = 2 * 2, so it is even.")],
    [user("Compute 7-9"), assistant("<think>Wait, 7 is less.</think><answer>-2</answer>")],
    [user("1"), assistant("One."), user("2"), assistant("Two."), user("3"), assistant("Three.")],
    [user("Compute 12+30-2*11."), assistant("<think>\n12+30=42, 2*11=22, 42-22=20\n</think>\n<answer>20</answer>")],
    [user("Say it in Chinese."), assistant("等等，让我检查一下。")],
    [user("Long?"), assistant(" ".join(f"{n} and" for n in range(20)))],
    [say("system", "A system."), user("No."), assistant("No?"), user("No."), assistant("Yes.")],
    [user("Last one. "), assistant("  Good bye!  ")],
]
assert len(CONVERSATIONS) == STEPS * BATCH

config = tiny_config()


class Recorded(InOrder, SFTTrainer):
    """Records what Trainer rounds or discards."""

    def training_step(self, model, inputs, *args, **options):
        if self.args.padding_free:
            assert inputs["input_ids"].shape[0] == 1 and (inputs["position_ids"] == 0).sum() == BATCH
        else:
            assert inputs["input_ids"].shape[0] == BATCH
        loss = super().training_step(model, inputs, *args, **options)
        grads = {name: p.grad.detach().clone() for name, p in model.named_parameters()}
        norm = torch.linalg.vector_norm(torch.stack([g.norm() for g in grads.values()]))
        self.steps.append({"loss": loss.item(), "grad_norm": norm.item()})
        self.first = self.first or grads
        return loss


def train(folder, padding_free):
    with tempfile.TemporaryDirectory() as temporary:
        args = SFTConfig(
            output_dir=temporary, max_steps=STEPS, per_device_train_batch_size=BATCH, learning_rate=LR,
            lr_scheduler_type="constant", max_grad_norm=1.0, weight_decay=0.0, adam_beta2=0.999, bf16=False,
            gradient_checkpointing=False, assistant_only_loss=True, padding_free=padding_free, max_length=None,
            report_to=[], save_strategy="no", use_cpu=True, seed=0, disable_tqdm=True, logging_strategy="no",
        )  # fmt: skip
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
        rows = Dataset.from_list([{"messages": messages} for messages in CONVERSATIONS])
        trainer = Recorded(model=model, args=args, train_dataset=rows, processing_class=tokenizer)
        trainer.train()
        return trainer.steps, trainer.first


def encode(messages):
    out = tokenizer.apply_chat_template(
        messages, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )
    return {"messages": messages, "tokens": list(out["input_ids"]), "learned": list(out["assistant_masks"])}


torch.manual_seed(0)
generator = torch.Generator().manual_seed(0)
model = AutoModelForCausalLM.from_config(config).float()
for name, p in model.named_parameters():
    noise = torch.randn(p.shape, generator=generator)
    p.data = 1 + 0.2 * noise if "norm" in name else 0.3 * noise
shutil.rmtree(OUT, ignore_errors=True)
model.save_pretrained(OUT)
(OUT / "generation_config.json").unlink(missing_ok=True)

padded, gradients = train(OUT, padding_free=False)
packed, _ = train(OUT, padding_free=True)
golden = {
    "learning_rate": LR,
    "batch": BATCH,
    "conversations": [encode(messages) for messages in CONVERSATIONS],
    "padded": padded,
    "packed": packed,
}
lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in golden["conversations"])
text = json.dumps({**golden, "conversations": []}).replace('"conversations": []', f'"conversations": [\n{lines}\n]')
(OUT / "golden.json").write_text(text + "\n", encoding="utf8")
save_file({f"grad.{name}": g.contiguous() for name, g in gradients.items()}, OUT / "golden.safetensors")
for name, steps in [("padded", padded), ("packed", packed)]:
    print(name, steps)
print(sum(f.stat().st_size for f in OUT.iterdir()), "bytes in", OUT)
