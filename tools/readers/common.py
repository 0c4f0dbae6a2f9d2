"""What every reader does: reads a task from standard input, answers each prompt greedily, and prints the result.

Task: {"folder", "prompts": [{"tokens", "text"}], "maxTokens", "stop": [token]}.
Result, as the last line: {"tokens": [[token]]} or {"texts": [text]}, and perhaps {"thinking": ...}.
"""

import json
import sys


def run(answers):
    task = json.load(sys.stdin)
    print(json.dumps(answers(task)))
