"""Golden losses of verl's clip_cov and kl_cov: src/algorithms/fixtures/verl-covariance.json.

    pip install torch      (made with torch 2.15.0, verl at commit b178a3c)
    python tools/golden/verl_covariance.py VERL/verl/trainer/ppo/core_algos.py

Runs verl's own `compute_policy_loss_clip_cov` and `compute_policy_loss_kl_cov` on random log-probs, which are leaves of the
graph so that no model is needed, and saves the inputs, the loss and its gradient with respect to the log-probs. The functions
are taken out of verl's file, since importing it needs all of verl.

`share` of clip_cov is so large that all its candidates are taken, which verl otherwise draws at random; its clip range is so
wide that nothing is clipped.
"""

import ast
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Optional

import torch

OUT = Path(__file__).parents[2] / "src/algorithms/fixtures/verl-covariance.json"
WANTED = {"compute_policy_loss_clip_cov", "compute_policy_loss_kl_cov", "agg_loss"}
N, T = 6, 9
LENGTHS = [9, 3, 4, 8, 2, 5]


class ActorConfig(SimpleNamespace):
    pass


class AlgoConfig:
    pass


masked_sum = lambda values, mask: (values * mask).sum()
space = {
    "torch": torch, "Optional": Optional, "Any": Any, "ActorConfig": ActorConfig, "AlgoConfig": AlgoConfig,
    "verl_F": SimpleNamespace(masked_sum=masked_sum, masked_mean=lambda v, m: masked_sum(v, m) / (m.sum() + 1e-8)),
}  # fmt: skip
tree = ast.parse(Path(sys.argv[1]).read_text())
functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in WANTED]
assert len(functions) == len(WANTED)
for node in functions:
    node.decorator_list = []
exec(compile(ast.Module(functions, type_ignores=[]), sys.argv[1], "exec"), space)


def case(seed, kind, share, lower, upper, beta, drift):
    g = torch.Generator().manual_seed(seed)
    mask = (torch.arange(T) < torch.tensor(LENGTHS)[:, None]).float()
    logprobs = (-3 * torch.rand(N, T, generator=g) - 0.05).requires_grad_()
    old = logprobs.detach() + drift * torch.randn(N, T, generator=g)
    advantages = 1.5 * torch.randn(N, 1, generator=g).expand(N, T).contiguous()
    policy_loss = SimpleNamespace(
        clip_cov_ratio=share, clip_cov_lb=lower, clip_cov_ub=upper, kl_cov_ratio=share, ppo_kl_coef=beta
    )
    config = ActorConfig(
        policy_loss=policy_loss, clip_ratio=0.2, clip_ratio_low=10.0, clip_ratio_high=1e3, global_batch_info={}
    )
    loss, _ = space[f"compute_policy_loss_{kind}_cov"](old, logprobs, advantages, mask, "token-mean", config)
    loss.backward()
    tokens = mask.bool()
    values = lambda x: [float(f"{v:.9g}") for v in x.detach()[tokens].tolist()]
    return {
        "kind": kind, "share": share, "from": lower, "to": upper, "beta": beta, "lengths": LENGTHS,
        "advantages": [float(f"{a:.9g}") for a in advantages[:, 0].tolist()],
        "logprobs": values(logprobs), "old": values(old), "loss": loss.item(), "gradient": values(logprobs.grad),
    }  # fmt: skip


settings = [("clip", 1.0, lower, upper, 1.0, drift) for lower, upper in [(1.0, 5.0), (0.2, 1.0), (90.0, 99.0)] for drift in [0.0, 0.3]]
settings += [("kl", share, 1.0, 5.0, beta, drift) for share in [2e-3, 0.2] for beta in [1.0, 0.3] for drift in [0.0, 0.3]]
OUT.write_text("[\n" + ",\n".join(json.dumps(case(i, *s)) for i, s in enumerate(settings)) + "\n]\n")
print(f"{len(settings)} cases, {OUT.stat().st_size} bytes: {OUT}")
