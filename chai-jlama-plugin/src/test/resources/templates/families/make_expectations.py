"""Renders the templates of this folder, written for the tests in the manner of well-known families, as Hugging Face does.

Needs jinja2; writes expectations.json beside this file. An expected text of null means that rendering fails.
"""
import json
import pathlib

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = pathlib.Path(__file__).parent


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
    env.filters["tojson"] = lambda value, indent=None: json.dumps(value, ensure_ascii=False, indent=indent)

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    env.globals["raise_exception"] = raise_exception
    return env


TOOLS = [
    {"type": "function", "function": {
        "name": "add", "description": "Adds <two> numbers & says \"so\", 中文", "strict": True,
        "parameters": {"type": "object", "required": ["a"],
                       "properties": {"a": {"type": "number"}, "b": {"type": ["number", "null"], "default": 1.5}}}}},
    {"type": "function", "function": {"name": "now", "description": "", "parameters": {"type": "object", "properties": {}}}},
]
USER = {"role": "user", "content": "  Hello,\n{{ 7 * 7 }} 😀 {% for %} "}
ANSWER = {"role": "assistant", "content": "Hi there.\n"}
CALL = {"role": "assistant", "content": None, "tool_calls": [
    {"id": "abc123def", "type": "function", "function": {"name": "add", "arguments": {"a": 1, "b": None}}}]}
CALLS = {"role": "assistant", "content": "I shall see.", "tool_calls": CALL["tool_calls"] + [
    {"id": "xyz456xyz", "type": "function", "function": {"name": "now", "arguments": {}}}]}
RESULT = {"role": "tool", "content": "{\"result\": 2.5}", "tool_call_id": "abc123def"}
SYSTEM = {"role": "system", "content": " Be kind. "}
CONVERSATIONS = [
    [USER], [SYSTEM, USER], [USER, ANSWER, USER], [SYSTEM, USER, ANSWER, USER], [USER, CALL, RESULT],
    [SYSTEM, USER, CALLS, RESULT, RESULT, ANSWER, USER], [USER, USER], [SYSTEM], [{"role": "user", "content": ""}],
]

expectations = []
for path in sorted(HERE.glob("*.jinja")):
    template = environment().from_string(path.read_text(encoding="utf-8"))
    for messages in CONVERSATIONS:
        for tools in (None, TOOLS):
            for start in (True, False):
                variables = {"messages": messages, "tools": tools, "add_generation_prompt": start,
                             "bos_token": "<s>", "eos_token": "</s>"}
                try:
                    text = template.render(**variables)
                except Exception:
                    text = None
                expectations.append({"template": path.name, "variables": variables, "text": text})
(HERE / "expectations.json").write_text(json.dumps(expectations, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
