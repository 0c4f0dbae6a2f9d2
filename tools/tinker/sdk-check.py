"""Checks `ruminate serve --tinker` with the official Python SDK: cross-entropy falls, importance sampling runs, the
log-probs of sampler and trainer agree, a saved state goes on bit for bit, and what is wrong is refused in one line.

    ruminate serve --tinker --model miniature-base --port 8711
    pip install tinker transformers
    TINKER_BASE_URL=http://127.0.0.1:8711 TINKER_API_KEY=tml-any python tools/tinker/sdk-check.py
"""

import importlib.metadata
import io
import math
import os
import tarfile
import time
import urllib.request

os.environ.setdefault("TINKER_TELEMETRY", "0")
import tinker
from tinker import types

MODEL = os.environ.get("MODEL", "miniature-base")
STARTED = time.time()


def say(text):
    print(f"{time.time() - STARTED:6.1f} s  {text}", flush=True)


def result(future):
    """The result of a future; earlier versions return some things at once."""
    return future.result() if hasattr(future, "result") else future


def datum(prompt, response, **inputs):
    """A text whose prompt has no loss; `inputs` are per token of the response."""
    tokens = prompt + response
    filled = {k: [0.0] * (len(prompt) - 1) + list(v) for k, v in inputs.items()}
    return types.Datum(
        model_input=types.ModelInput.from_ints(tokens[:-1]),
        loss_fn_inputs={
            "target_tokens": types.TensorData(data=tokens[1:], dtype="int64", shape=[len(tokens) - 1]),
            **{k: types.TensorData(data=v, dtype="float32", shape=[len(v)]) for k, v in filled.items()},
        },
    )


def main():
    say(f"tinker {importlib.metadata.version('tinker') if 'VERSION' not in os.environ else os.environ['VERSION']}")
    service = tinker.ServiceClient()
    capable = tinker.RestClient() if hasattr(tinker, "RestClient") else service
    names = [model.model_name for model in result(capable.get_server_capabilities()).supported_models]
    assert MODEL in names, names
    training = result(service.create_lora_training_client(MODEL, rank=8, seed=1))
    tokenizer = training.get_tokenizer()
    say(f"{MODEL}: {len(tokenizer)} tokens")

    texts = [("What is 2 + 3?", " 5"), ("What is 7 + 1?", " 8"), ("What is 4 + 4?", " 8")]
    data = []
    for question, answer in texts:
        prompt, response = tokenizer.encode(question), tokenizer.encode(answer)
        data.append(datum(prompt, response, weights=[1.0] * len(response)))
    losses = []
    for _ in range(8):
        output = training.forward_backward(data, "cross_entropy")
        step = training.optim_step(types.AdamParams(learning_rate=1e-2))
        losses.append(result(output).metrics["loss:sum"])
        result(step)
    say("cross-entropy " + " ".join(f"{loss:.3f}" for loss in losses))
    assert losses[-1] < losses[0] / 4, losses

    sampler = result(training.save_weights_and_get_sampling_client())
    prompt = tokenizer.encode(texts[0][0])
    params = types.SamplingParams(max_tokens=8, temperature=1.0, seed=3)
    found = result(sampler.sample(types.ModelInput.from_ints(prompt), 4, params, include_prompt_logprobs=True))
    assert len(found.sequences) == 4 and found.prompt_logprobs[0] is None
    rollouts = [
        datum(
            prompt,
            list(sequence.tokens),
            logprobs=list(sequence.logprobs),
            advantages=[1.0 if i % 2 == 0 else -1.0] * len(sequence.tokens),
        )
        for i, sequence in enumerate(found.sequences)
    ]
    output = result(training.forward(rollouts, "importance_sampling"))
    apart = 0.0
    for sequence, scored in zip(found.sequences, output.loss_fn_outputs):
        own = scored["logprobs"].data[len(prompt) - 1 :]
        apart = max([apart, *(abs(a - b) for a, b in zip(own, sequence.logprobs, strict=True))])
    scored = output.loss_fn_outputs[0]["logprobs"].data[: len(prompt) - 1]
    apart = max([apart, *(abs(a - b) for a, b in zip(scored, found.prompt_logprobs[1:]))])
    say(f"log-probs of sampler and trainer differ by at most {apart:.1e}")
    assert apart < 1e-4

    for loss in ["importance_sampling", "ppo"]:
        output = result(training.forward_backward(rollouts, loss))
        metrics = result(training.optim_step(types.AdamParams(learning_rate=1e-3))).metrics
        assert all(math.isfinite(value) for value in [*output.metrics.values(), *metrics.values()])
        say(f"{loss}: {output.metrics}, {metrics}")

    def custom(batch, logprobs):
        loss = -sum(lp.sum() for lp in logprobs)
        return loss, {"mine:sum": float(loss)}

    try:
        import torch  # noqa: F401

        say(f"custom loss: {result(training.forward_backward_custom(data, custom)).metrics}")
        result(training.optim_step(types.AdamParams(learning_rate=0.0)))
    except ImportError:
        say("custom loss: left out, there is no torch")

    top = result(sampler.sample(types.ModelInput.from_ints(prompt), 1, params, include_prompt_logprobs=True, topk_prompt_logprobs=3))
    assert top.topk_prompt_logprobs[0] is None and len(top.topk_prompt_logprobs[1]) == 3, top.topk_prompt_logprobs
    for position, pairs in enumerate(top.topk_prompt_logprobs[1:], 1):
        for token, logprob in pairs:
            if token == prompt[position]:
                assert abs(logprob - top.prompt_logprobs[position]) < 1e-4
    say(f"top 3 at position 1: {top.topk_prompt_logprobs[1]}")

    saved = result(training.save_state("state")).path
    following = result(training.forward_backward(data, "cross_entropy"))
    result(training.optim_step(types.AdamParams(learning_rate=1e-3)))
    last = result(training.forward(data, "cross_entropy")).metrics["loss:sum"]
    resumed = result(service.create_training_client_from_state_with_optimizer(saved))
    again = result(resumed.forward_backward(data, "cross_entropy"))
    result(resumed.optim_step(types.AdamParams(learning_rate=1e-3)))
    assert again.metrics == following.metrics, (again.metrics, following.metrics)
    assert result(resumed.forward(data, "cross_entropy")).metrics["loss:sum"] == last
    say(f"resumed from {saved}: the same losses, {following.metrics['loss:sum']:.6f} and {last:.6f}")

    named = result(training.save_weights_for_sampler("final")).path
    other = result(service.create_sampling_client(model_path=named))
    say(f"{named}: {tokenizer.decode(result(other.sample(types.ModelInput.from_ints(prompt), 1, params)).sequences[0].tokens)!r}")

    rest = service.create_rest_client()
    run = training.model_id if hasattr(training, "model_id") else training._guaranteed_model_id()
    listed = [checkpoint.tinker_path for checkpoint in result(rest.list_checkpoints(run)).checkpoints]
    assert saved in listed and named in listed, listed
    assert run in [one.training_run_id for one in result(rest.list_training_runs()).training_runs]
    if hasattr(rest, "get_checkpoint_archive_url_from_tinker_path"):
        url = result(rest.get_checkpoint_archive_url_from_tinker_path(named)).url
        with urllib.request.urlopen(url) as answer:
            files = tarfile.open(fileobj=io.BytesIO(answer.read())).getnames()
    else:
        external = result(training.save_weights_external("peft")).path
        files = list(result(rest.get_external_weights_urls(external)).urls)
    assert {"adapter_config.json", "adapter_model.safetensors"} <= set(files), files
    say(f"downloaded {', '.join(files)}")

    for what, wrong in [
        ("no logprobs", lambda: training.forward_backward(data, "ppo")),
        ("a token outside", lambda: sampler.sample(types.ModelInput.from_ints([10**6]), 1, params)),
        ("no such model", lambda: service.create_sampling_client(base_model="nothing")),
        ("no such weights", lambda: service.create_sampling_client(model_path=f"tinker://{run}/sampler_weights/none")),
    ]:
        try:
            result(wrong())
        except Exception as error:  # noqa: BLE001
            say(f"{what}: {type(error).__name__}: {str(error)[:160]}")
        else:
            raise AssertionError(f"{what} was not refused")
    say("all is well")


main()
