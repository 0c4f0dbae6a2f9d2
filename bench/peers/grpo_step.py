"""Steps of TRL's GRPOTrainer on the CPU in float32, of all weights or PEFT's adapters: generate, reward, reference log-probs,
loss, AdamW."""

import tempfile
import time

import peer

settings = peer.setup("transformers", "trl")

from datasets import Dataset
from transformers import AutoTokenizer, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

tokens = settings["maxTokens"]


def digits(completions, **_):
    """The share of digits."""
    return [sum(c in "0123456789" for c in text) / max(1, len(text)) for text in completions]


class Turns(TrainerCallback):
    """Waits for a request before each repetition of several steps, and sends its time; a step generates after it has begun."""

    def on_step_begin(self, _, state, *__, **___):
        if state.global_step % settings["steps"] == 0:
            peer.receive()
            self.start = time.perf_counter()

    def on_step_end(self, _, state, *__, **___):
        if state.global_step % settings["steps"] == 0:
            peer.send({"seconds": time.perf_counter() - self.start})


folder = tempfile.TemporaryDirectory(prefix="ruminate-bench-trl-")
trainer = GRPOTrainer(
    model=peer.load_model(settings),
    processing_class=AutoTokenizer.from_pretrained(settings["model"], padding_side="left"),
    reward_funcs=digits,
    peft_config=None if settings["lora"] is None else peer.lora_config(settings),
    train_dataset=Dataset.from_dict({"prompt": settings["prompts"]}),
    callbacks=[Turns()],
    args=GRPOConfig(
        output_dir=folder.name,
        use_cpu=True,
        bf16=False,
        per_device_train_batch_size=settings["rows"],
        gradient_accumulation_steps=settings["questions"] * settings["group"] // settings["rows"],
        num_generations=settings["group"],
        max_completion_length=tokens,
        temperature=1.0,
        top_k=0,
        generation_kwargs={"min_new_tokens": tokens},  # no end token is drawn
        beta=settings["kl"],
        epsilon=0.2,
        loss_type="grpo",
        learning_rate=settings["learningRate"],
        lr_scheduler_type="constant",
        adam_beta1=settings["betas"][0],
        adam_beta2=settings["betas"][1],
        max_grad_norm=1.0,
        gradient_checkpointing=False,
        max_steps=settings["repetitions"] * settings["steps"],
        shuffle_dataset=False,
        logging_steps=1000,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    ),
)
assert settings["lora"] is not None or trainer.ref_model is not None
peer.send({"title": settings["title"]})
trainer.train()
