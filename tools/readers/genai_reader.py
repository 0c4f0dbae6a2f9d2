"""onnxruntime-genai, with the exported ONNX folder."""

import numpy
import onnxruntime_genai as genai
from common import run


def answers(task):
    model = genai.Model(task["folder"])
    tokenizer = genai.Tokenizer(model)
    result = []
    for prompt in task["prompts"]:
        ids = prompt["tokens"]
        own = list(tokenizer.encode(prompt["text"]))
        assert own == ids or own[1:] == ids, f"the tokenizer differs: {own} and {ids}"
        params = genai.GeneratorParams(model)
        params.set_search_options(max_length=len(ids) + task["maxTokens"], do_sample=False)
        generator = genai.Generator(model, params)
        generator.append_tokens(numpy.array([ids], dtype=numpy.int32))
        while not generator.is_done():
            generator.generate_next_token()
        result.append([int(token) for token in generator.get_sequence(0)[len(ids) :]])
    return {"tokens": result}


run(answers)
