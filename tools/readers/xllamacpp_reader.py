"""llama.cpp's server, with a GGUF file: the tokens of its completions, and thinking split from chat answers."""

import json
import urllib.request

import xllamacpp
from common import run


def answers(task):
    params = xllamacpp.CommonParams()
    params.model.path = task["folder"]
    params.n_ctx = 2048
    params.n_parallel = 1
    params.cpuparams.n_threads = 1
    params.use_jinja = True
    server = xllamacpp.Server(params)

    def post(path, body):
        request = urllib.request.Request(
            server.listening_address + path,
            json.dumps(body).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=600) as response:
            return json.load(response)

    result, chats = [], []
    for prompt in task["prompts"]:
        ids = post("/tokenize", {"content": prompt["text"], "add_special": False, "parse_special": True})["tokens"]
        assert ids == prompt["tokens"], f"the tokenizer differs: {ids} and {prompt['tokens']}"
        body = {"prompt": ids, "n_predict": task["maxTokens"], "temperature": 0, "return_tokens": True}
        result.append(post("/completion", {**body, "cache_prompt": False})["tokens"])
    for question in task["questions"]:
        body = {"messages": [{"role": "user", "content": question}], "temperature": 0, "max_tokens": 200}
        message = post("/v1/chat/completions", body)["choices"][0]["message"]
        chats.append({"thinking": message.get("reasoning_content"), "answer": message.get("content")})
    return {"tokens": result, "chats": chats}


run(answers)
