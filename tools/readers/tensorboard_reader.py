"""Reads the event files of a run with TensorBoard's own reader, and compares them with the metrics in its database.

    pip install tensorboard                          (made with tensorboard 2.21.0)
    python tools/readers/tensorboard_reader.py runs/zero-1

The run is one that was trained with --tensorboard. Prints how many values there are, and fails if one is missing or another.
"""

import math
import sqlite3
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

folder = Path(sys.argv[1])
events = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
found = {(tag, e.step): e.value for tag in events.Tags()["scalars"] for e in events.Scalars(tag)}
stored = {(n, s): v for s, n, v in sqlite3.connect(folder / "run.sqlite").execute("SELECT step, name, value FROM metrics")}
wrong = [key for key in {*found, *stored} if not math.isclose(found.get(key, math.nan), stored.get(key, math.nan), rel_tol=1e-6)]
print(f"{len(found)} values of {len(events.Tags()['scalars'])} series; {len(wrong)} missing or another {sorted(wrong)[:5]}")
sys.exit(len(wrong) > 0)
