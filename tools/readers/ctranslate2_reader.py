"""CTranslate2: its converter, then its generator."""

import tempfile
from pathlib import Path

import ctranslate2
from common import run
from ctranslate2.converters import TransformersConverter
from transformers import AutoTokenizer


def answers(task):
    with tempfile.TemporaryDirectory() as directory:
        converted = str(Path(directory) / "model")
        TransformersConverter(task["folder"]).convert(converted)
        generator = ctranslate2.Generator(converted, compute_type="float32", inter_threads=1, intra_threads=1)
        tokenizer = AutoTokenizer.from_pretrained(task["folder"])
        result = []
        for prompt in task["prompts"]:
            [output] = generator.generate_batch(
                [tokenizer.convert_ids_to_tokens(prompt["tokens"])],
                max_length=task["maxTokens"],
                sampling_topk=1,
                include_prompt_in_result=False,
                end_token=task["stop"],
            )
            result.append(output.sequences_ids[0])
        return {"tokens": result}


run(answers)
