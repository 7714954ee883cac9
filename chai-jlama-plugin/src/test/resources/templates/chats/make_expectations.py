"""Renders conversations with the templates of this folder as transformers' apply_chat_template does.

The templates were written for the tests: own sentences, the structure of the makers'. Needs transformers (made with
5.18); writes expectations.json beside this file. A text of null means that the template refuses the conversation. Dates
of today are {today:FORMAT} in the texts, FORMAT that of strftime.
"""
import datetime
import json
import pathlib

import jinja2
import transformers
from tokenizers import Tokenizer, models

HERE = pathlib.Path(__file__).parent

# beginning and end of a sequence
FAMILIES = {
    "gemma2": ("<bos>", "<eos>"), "gemma3": ("<bos>", "<eos>"), "gemma4": ("<bos>", "<eos>"),
    "gpt_oss": ("<|startoftext|>", "<|return|>"),
    "granite3": ("<|end_of_text|>", "<|end_of_text|>"), "granite3_0": ("<|end_of_text|>", "<|end_of_text|>"),
    "granite4": ("<|end_of_text|>", "<|end_of_text|>"), "llama3_1": ("<|begin_of_text|>", "<|eot_id|>"),
    "ministral3": ("<s>", "</s>"), "mistral0_3": ("<s>", "</s>"), "mistral_nemo": ("<s>", "</s>"),
    "olmo2": ("<|endoftext|>", "<|endoftext|>"), "phi3": ("<s>", "<|endoftext|>"),
    "phi4": ("<|endoftext|>", "<|im_end|>"), "phi4_mini": ("<|endoftext|>", "<|endoftext|>"),
    "qwen2_5": (None, "<|im_end|>"), "qwen3": (None, "<|im_end|>"), "qwen3_moe": (None, "<|im_end|>"),
    "smollm3": ("<|im_start|>", "<|im_end|>"),
}
FORMATS = {"smollm3": "%d %B %Y", "granite3": "%B %d, %Y", "llama3_1": "%d %b %Y", "gpt_oss": "%Y-%m-%d"}
THINKING = {"gpt_oss": "thinking"}  # others: reasoning_content
SWITCHES = {"gemma4": "enable_thinking", "qwen3": "enable_thinking", "smollm3": "enable_thinking",
            "granite3": "thinking"}
WITHOUT_CALLS = {  # templates that pass calls over: what stands before, between and after them
    "granite3": ("<|tool_call|>[", ", ", "]"), "granite3_0": ("<|tool_call|>[", ", ", "]"),
    "phi4_mini": ("<|tool_call|>[", ", ", "]<|/tool_call|>"),
    "smollm3": ("<tool_call>\n", "\n</tool_call>\n<tool_call>\n", "\n</tool_call>"),
}
RESULTS = {"granite3_0": "tool_response"}  # roles of results; others: tool
WITHOUT_TOOLS = ("gemma2", "gemma3", "olmo2", "phi3", "phi4")

TOOLS = [
    {"type": "function", "function": {
        "name": "get_weather", "description": "Says how <warm> it is & \"wet\", 中文",
        "parameters": {"type": "object", "properties": {
            "city": {"type": "string", "description": "where, in O'Hara's words"},
            "unit": {"type": "string", "enum": ["C", "F"], "default": "C"},
            "days": {"type": "array", "items": {"type": "integer"}, "description": "which\nones"},
            "exact": {"type": "boolean", "default": False}, "height": {"type": ["number", "null"], "minimum": -0.5},
            "place": {"type": "object", "properties": {"x": {"type": "number"}, "y": {"type": "number"}}, "required": ["x"]},
        }, "required": ["city"]}}},
    {"type": "function", "function": {"name": "now", "description": "Says what time it is",
                                      "parameters": {"type": "object", "properties": {}}}},
]
SYSTEM = {"role": "system", "content": "Be brief. \"Quote\" it's <b>all</b> {{ x }}."}
USER = {"role": "user", "content": "  How warm is it in Köln? 😀\n"}
CALL = {"role": "assistant", "content": "", "tool_calls": [{"id": "abc123def", "type": "function", "function": {
    "name": "get_weather", "arguments": {"city": "Köln \"am\" Rhein's", "days": [1, 2], "exact": True, "height": 1.5,
                                         "unit": None, "place": {"x": 1e-07, "y": 100000000000000000000.0}}}}]}
RESULT = {"role": "tool", "tool_call_id": "abc123def", "name": "get_weather", "content": "{\"degrees\": 7.0}"}
ANSWER = {"role": "assistant", "content": "\nIt is 7 degrees.\n"}
BYE = {"role": "user", "content": "Thanks."}
CALLS = {"role": "assistant", "content": "I shall see.", "tool_calls": CALL["tool_calls"] + [
    {"id": "xyz456xyz", "type": "function", "function": {"name": "now", "arguments": {}}}]}
RESULT_2 = {"role": "tool", "tool_call_id": "xyz456xyz", "name": "now", "content": "10:14"}


def thought(message):
    return {**message, "thinking": "\nHot, <or> not?\n"}


CONVERSATIONS = {
    "all": [SYSTEM, USER, CALL, RESULT, ANSWER, BYE],
    "no system": [USER, CALL, RESULT, ANSWER, BYE],
    "open call": [SYSTEM, USER, CALL, RESULT],
    "two calls": [USER, CALLS, RESULT, RESULT_2, ANSWER, BYE],
    "thinking": [SYSTEM, USER, thought(CALL), RESULT],
    "thinking before": [USER, thought(CALL), RESULT, thought(ANSWER), BYE],
    "thinking last": [USER, thought(ANSWER)],
    "plain": [SYSTEM, USER, ANSWER, BYE],
    "users": [USER, BYE],
}


def requests(family):
    """Conversation, whether there are tools, whether an answer is begun, whether to think."""
    for conversation in CONVERSATIONS:
        for tools in (True, False):
            if not tools or family not in WITHOUT_TOOLS and conversation != "thinking last":
                yield conversation, tools, conversation != "thinking last", None
    yield "all", False, False, None
    if family in SWITCHES:
        for thinking in (True, False):
            yield "no system", False, True, thinking
            yield "all", True, True, thinking


def shaped(family, messages, tools):
    """Messages as users of transformers write them for this template."""
    messages = [dict(message) for message in messages]
    for message in messages:
        if message["role"] == "tool":
            message["role"] = RESULTS.get(family, "tool")
        if family == "ministral3" and "thinking" in message:
            text = message["content"]
            message["content"] = [{"type": "thinking", "thinking": message.pop("thinking")}] + (
                [{"type": "text", "text": text}] if text else [])
        if "thinking" in message:
            message[THINKING.get(family, "reasoning_content")] = message.pop("thinking")
        if family in WITHOUT_CALLS and "tool_calls" in message:  # the template passes them over
            before, between, after = WITHOUT_CALLS[family]
            message["content"] += before + between.join(
                json.dumps(call["function"], ensure_ascii=False) for call in message.pop("tool_calls")) + after
    if family == "phi4_mini" and tools:
        if messages[0]["role"] != "system":
            messages.insert(0, {"role": "system", "content": "You may call tools."})
        messages[0]["tools"] = json.dumps([tool["function"] for tool in tools], ensure_ascii=False)
    return messages


def render(family, conversation, tools, start, thinking):
    bos, eos = FAMILIES[family]
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), bos_token=bos,
                                                     eos_token=eos)
    more = {} if thinking is None else {SWITCHES[family]: thinking}
    if family == "smollm3" and tools:
        more["xml_tools"] = TOOLS
    try:
        text = tokenizer.apply_chat_template(
            shaped(family, CONVERSATIONS[conversation], TOOLS if tools else None), tools=TOOLS if tools else None,
            tokenize=False, add_generation_prompt=start,
            chat_template=(HERE / (family + ".jinja")).read_text(encoding="utf-8"), **more)
    except jinja2.exceptions.TemplateError:
        return None
    if family in FORMATS:
        text = text.replace(datetime.date.today().strftime(FORMATS[family]), "{today:" + FORMATS[family] + "}")
    return text


def with_text(message):
    """Arguments as a model writes them beside those that templates get."""
    if "tool_calls" not in message:
        return message
    return {**message, "tool_calls": [{**call, "function": {
        **call["function"], "arguments_text": json.dumps(call["function"]["arguments"], ensure_ascii=False)}}
        for call in message["tool_calls"]]}


conversations = {name: [with_text(message) for message in messages] for name, messages in CONVERSATIONS.items()}
document = {"tools": TOOLS, "conversations": conversations, "families": {
    family: {"bos": bos, "eos": eos, "requests": [
        {"conversation": conversation, "tools": tools, "start": start, "thinking": thinking,
         "text": render(family, conversation, tools, start, thinking)}
        for conversation, tools, start, thinking in requests(family)]}
    for family, (bos, eos) in FAMILIES.items()}}
(HERE / "expectations.json").write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
