#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes expectations.json: the tokens that transformers makes of a text and of a conversation with Pocket's tokenizer
and each of some post-processors and settings.

Needs transformers 5.18 (PyTorch is not needed). Run it after a change: python3 make_expectations.py
"""
import json
import pathlib
import shutil
import tempfile

from transformers import AutoTokenizer

HERE = pathlib.Path(__file__).parent
POCKET = HERE.parents[2] / "pocket" / "models" / "pocket"
WITHOUT_BOS = "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content + '<|end|>' }}{% endfor %}"
SPECIAL = {name: {"id": name, "ids": [number], "tokens": [name]}
           for name, number in (("<|bos|>", 0), ("<|end|>", 1))}


def token(name):
    return {"SpecialToken": {"id": name, "type_id": 0}}


def text(name):
    return {"Sequence": {"id": name, "type_id": 0}}


def template(*single):
    return {"type": "TemplateProcessing", "single": list(single), "pair": list(single) + [text("B")],
            "special_tokens": SPECIAL}


BYTES = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True}
PROCESSORS = {
    "none": None,
    "bytes": BYTES,
    "nothing": template(text("A")),
    "bos": template(token("<|bos|>"), text("A")),
    "eos": template(text("A"), token("<|end|>")),
    "both": template(token("<|bos|>"), text("A"), token("<|end|>")),
    "sequence": {"type": "Sequence", "processors": [BYTES, template(token("<|bos|>"), text("A"))]},
    "bert": {"type": "BertProcessing", "cls": ["<|bos|>", 0], "sep": ["<|end|>", 1]},
    "roberta": {"type": "RobertaProcessing", "cls": ["<|bos|>", 0], "sep": ["<|end|>", 1], "trim_offsets": True,
                "add_prefix_space": False},
}
CLASSES = ["PreTrainedTokenizerFast", "LlamaTokenizerFast", "LlamaTokenizer", "GemmaTokenizer", "GPT2Tokenizer",
           "Qwen2Tokenizer"]


def expectation(directory, processor, setting, tokenizer_class, chat_template):
    tokenizer = json.loads((POCKET / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["post_processor"] = PROCESSORS[processor]
    config = {"tokenizer_class": tokenizer_class, "bos_token": "<|bos|>", "eos_token": "<|end|>",
              "chat_template": chat_template}
    if setting is not None:
        config["add_bos_token"] = setting
    (directory / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    (directory / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    shutil.copy(POCKET / "config.json", directory)
    loaded = AutoTokenizer.from_pretrained(directory)
    conversation = loaded.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=True)
    return {"processor": PROCESSORS[processor], "config": config, "text": loaded("Hi")["input_ids"],
            "conversation": conversation["input_ids"]}


def main():
    expectations = []
    with tempfile.TemporaryDirectory() as directory:
        for processor in PROCESSORS:
            for setting in (None, False, True):
                for tokenizer_class in CLASSES:
                    template_source = ("{{ bos_token }}" if setting is None else "") + WITHOUT_BOS
                    found = expectation(pathlib.Path(directory), processor, setting, tokenizer_class, template_source)
                    expectations.append({"name": f"{processor}, {setting}, {tokenizer_class}", **found})
    with open(HERE / "expectations.json", "w", encoding="utf-8", newline="\n") as file:
        json.dump(expectations, file)
        file.write("\n")


if __name__ == "__main__":
    main()
