"""Hugging Face's Math-Verify: parses and compares both sides of each pair, with its defaults."""

import logging
import sys
import time

import peer

settings = peer.receive()
try:
    from importlib.metadata import version

    from math_verify import parse, verify
except ImportError as error:
    peer.send({"missing": str(error)})
    sys.exit()
settings["title"] = f"math-verify {version('math-verify')}"
logging.disable(logging.CRITICAL)


def judge(gold, answer):
    start = time.perf_counter()
    try:
        equal = bool(verify(parse(gold), parse(answer)))
    except Exception:
        equal = None
    return equal, time.perf_counter() - start


def repetition():
    verdicts, seconds = zip(*(judge(gold, answer) for gold, answer in settings["pairs"]))
    return {"verdicts": verdicts, "each": seconds}


peer.serve(settings, repetition)
