"""Transformers: AutoModelForCausalLM and AutoTokenizer."""

import torch
from common import run
from transformers import AutoModelForCausalLM, AutoTokenizer


def answers(task):
    model = AutoModelForCausalLM.from_pretrained(task["folder"], dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(task["folder"])
    result = []
    for prompt in task["prompts"]:
        ids = tokenizer(prompt["text"], add_special_tokens=False)["input_ids"]
        assert ids == prompt["tokens"], f"the tokenizer differs: {ids} and {prompt['tokens']}"
        output = model.generate(
            torch.tensor([ids]), do_sample=False, max_new_tokens=task["maxTokens"], eos_token_id=task["stop"]
        )
        result.append(output[0, len(ids) :].tolist())
    return {"tokens": result}


run(answers)
