"""mistral.rs, with the folder."""

from common import run
from mistralrs import CompletionRequest, ModelDType, Runner, Which


def answers(task):
    runner = Runner(
        which=Which.Plain(model_id=task["folder"], dtype=ModelDType.F32), no_paged_attn=True, num_device_layers=["0:0"]
    )
    result = []
    for prompt in task["prompts"]:
        request = CompletionRequest(
            model="default", prompt=prompt["text"], max_tokens=task["maxTokens"], temperature=0.0, top_k=1
        )
        result.append(runner.send_completion_request(request).choices[0].text)
    return {"texts": result}


run(answers)
