"""Makes a table of questions from a task family of reasoning-gym (https://github.com/open-thought/reasoning-gym, Apache-2.0).

    pip install reasoning-gym==0.1.25
    python tools/reasoning-gym-table.py chain_sum examples/smollm2/chain-sum.csv --size 1000 \
        --set min_terms=2 max_terms=3 min_digits=1 max_digits=2

Only families whose answer is compared as it is (a number, a word) make sense here: the tables have no code that scores answers.
"""

import argparse
import csv
import json

import reasoning_gym

parser = argparse.ArgumentParser()
parser.add_argument("family")
parser.add_argument("file")
parser.add_argument("--size", type=int, default=1000)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="settings of the family")
given = parser.parse_args()

settings = {name: json.loads(value) for name, value in (one.split("=", 1) for one in given.set)}
rows = {}
for row in reasoning_gym.create_dataset(given.family, size=given.size, seed=given.seed, **settings):
    rows.setdefault(row["question"].strip(), str(row["answer"]))
with open(given.file, "w", newline="") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["question", "answer"])
    writer.writerows(rows.items())
print(f"{len(rows)} questions in {given.file}")
