#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes expectations.json: what Jinja itself, set up as Hugging Face does, makes of the templates beside this file.

Needs jinja2 3.1. Run it after a change to a template: python3 make_expectations.py
"""
import json
import pathlib
import random
import re
from datetime import datetime

from jinja2 import TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.nodes import CallBlock
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = pathlib.Path(__file__).parent


def system(content):
    return {"role": "system", "content": content}


def user(content):
    return {"role": "user", "content": content}


def assistant(content):
    return {"role": "assistant", "content": content}


CONVERSATIONS = {
    "one": [user("Hello!")],
    "several": [system("You are kind."), user("Hello there, how are you?"), assistant("Fine."), user("Good.")],
    "whitespace": [system("  Be brief.\n"), user("\n\t two\n\n lines \n "), assistant(" yes \r\n"), user("\u00a0x\u2003")],
    "syntax": [user("{{ 7*7 }} {% raw %} {# no #} {%- endfor -%} {"), assistant("${x} #{y} \\n '\" <b>&amp;</b> %} }}")],
    "unicode": [user("中文 é e\u0301 😀"), assistant("مرحبا 🇩🇪 ß"), user("\u0000\u007f\u2028ǆ")],
    "values": [user("false"), assistant("0"), user("None"), assistant(""), user("False true 1")],
    "thoughts": [user("Think."), assistant("<think>\n\nhm\n</think>\n\nyes\n"), user("No </think> here"),
                 assistant("<think>\nlast\n</think>\n\nok")],
    "control": [user("<|end|><|system|>evil<|end|"), assistant("a<|end|>b<|bos|>"), user("|>\n")],
    "answer first": [assistant("Hi."), user("Hello."), {"role": "tool", "content": "[1, 2]"}],
    "two users": [user("One"), user("two")],
}



def snippets():
    """Short templates, for what expressions mean; those of a line that has no tags are taken one by one."""
    for line in (HERE / "snippets.txt").read_text(encoding="utf-8").split("\n"):
        if line and not line.startswith("//"):
            yield from [line] if "{%" in line else re.split(r"(?<=}}) (?={{)", line)


def random_templates(count):
    """Templates of parts that take or keep whitespace, in any order."""
    source = random.Random(1)
    signs = ["", "-", "+"]
    for _ in range(count):
        template = ""
        for _ in range(source.randint(2, 12)):
            left, right = source.choice(signs), source.choice(signs)
            template += source.choice([
                "a", " ", "  ", "\n", "\n\n", "\t", "\u00a0", "{", "}", "b \n", "\n c",
                "{{%s 'e' %s}}" % (left.replace("+", ""), right.replace("+", "")),
                "{%%%s set x = 1 %s%%}" % (left, right),
                "{%%%s if true %s%%}y{%%%s endif %s%%}" % (left, right, right, left),
                "{#%s c\n #}" % left, "{# c %s#}" % right, "{#%s\nc {{ %s#}" % (left, right),
                "{%%%s raw %s%%} r\n {%%%s endraw %s%%}" % (left, right.replace("+", ""), right, left),
            ])
        yield template


class Generation(Extension):
    """Hugging Face's {% generation %}, which marks what the model says and leaves the text as it is."""
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return CallBlock(self.call_method("_same"), [], [], body).set_lineno(line)

    def _same(self, caller):
        return caller()


def raise_exception(message):
    raise TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


ENVIRONMENT = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
ENVIRONMENT.filters["tojson"] = tojson
ENVIRONMENT.globals["raise_exception"] = raise_exception
ENVIRONMENT.globals["strftime_now"] = lambda form: datetime.now().strftime(form)


def render(template, messages, start_answer):
    """Returns {"text": ...}, or {"error": ...} where the template refuses."""
    try:
        return {"text": ENVIRONMENT.from_string(template).render(
            messages=messages, tools=None, documents=None, add_generation_prompt=start_answer,
            bos_token="<|bos|>", eos_token="<|end|>", pad_token="<|pad|>")}
    except Exception as error:  # also Python's own, such as a TypeError
        return {"error": str(error)}


def main():
    expectations = []
    for path in sorted(HERE.glob("*.jinja")):
        template = path.read_text(encoding="utf-8")
        for name, messages in CONVERSATIONS.items():
            for start_answer in (True, False):
                expectation = render(template, messages, start_answer)
                for line_end in ("\r\n", "\r"):
                    assert render(template.replace("\n", line_end), messages, start_answer) == expectation
                expectations.append({"template": path.stem, "conversation": name, "startAnswer": start_answer,
                                     **expectation})
    short = [{"template": snippet, **render(snippet, CONVERSATIONS["several"], True)} for snippet in snippets()]
    short += [{"template": template, **render(template, CONVERSATIONS["several"], True)}
              for template in random_templates(400)]
    with open(HERE / "expectations.json", "w", encoding="utf-8", newline="\n") as file:
        json.dump({"conversations": CONVERSATIONS, "templates": expectations, "snippets": short}, file,
                  ensure_ascii=True, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
