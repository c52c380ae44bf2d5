"""Talks to a server as people's programs do: through the package `openai`.

    openai_client.py BASE_URL MODEL KEY [fake]

`fake` says that the server's engine does what its prompt tells it (models/src/server/tests.rs), so that its words can be compared.
"""

import base64
import concurrent.futures
import json
import struct
import sys
import zlib

import openai

BASE_URL, MODEL, KEY = sys.argv[1:4]
FAKE = sys.argv[4:] == ["fake"]
client = openai.OpenAI(base_url=BASE_URL, api_key=KEY, max_retries=0, timeout=60)


def ask(text, client=client, **more):
    content = more.pop("content", text)
    more.setdefault("max_tokens", 16)
    return client.chat.completions.create(model=more.pop("model", MODEL), messages=[{"role": "user", "content": content}], **more)


def png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes([200, 90, 40]) * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def data_url(file):
    return "data:image/png;base64," + base64.b64encode(file).decode()


def refused(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was expected")


def whole():
    answer = ask("count=3", temperature=0)
    choice = answer.choices[0]
    assert choice.finish_reason in ("stop", "length"), answer
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens, answer
    assert answer.usage.prompt_tokens_details.cached_tokens <= answer.usage.prompt_tokens, answer
    if FAKE:
        assert choice.message.content == "0 é1 é2 é", answer
    assert MODEL in [model.id for model in client.models.list()]


def stream():
    text, reasons, usage = "", [], None
    first = None
    for chunk in ask("count=3", stream=True, temperature=0, stream_options={"include_usage": True}):
        if chunk.usage:
            usage = chunk.usage
        for choice in chunk.choices:
            first = first or choice.delta.role
            text += choice.delta.content or ""
            reasons += [choice.finish_reason] if choice.finish_reason else []
    assert first == "assistant" and len(reasons) == 1 and usage.total_tokens > 0, (first, reasons, usage)
    assert text == ask("count=3", temperature=0).choices[0].message.content, text
    if FAKE:
        assert text == "0 é1 é2 é", text


def picture():
    content = [{"type": "image_url", "image_url": {"url": data_url(png(54, 120))}}, {"type": "text", "text": "count=1"}]
    assert ask("", content=content).usage.prompt_tokens > 0


def errors():
    error = refused(openai.BadRequestError, lambda: ask("x", temperature=-1))
    assert error.param == "temperature" and error.type == "invalid_request_error", error
    error = refused(openai.NotFoundError, lambda: ask("x", model="another"))
    assert error.code == "model_not_found", error
    broken = [{"type": "image_url", "image_url": {"url": data_url(png(54, 120)[:90])}}]
    error = refused(openai.BadRequestError, lambda: ask("", content=broken))
    assert error.param == "messages[0].content[0].image_url.url", error
    refused(openai.BadRequestError, lambda: ask("x", logprobs=True))
    large = "x" * (33 << 20)
    error = refused(openai.APIStatusError, lambda: ask(large))
    assert error.status_code == 413, error
    if KEY != "none":
        wrong = openai.OpenAI(base_url=BASE_URL, api_key="wrong", max_retries=0)
        error = refused(openai.AuthenticationError, lambda: ask("x", client=wrong))
        assert error.code == "invalid_api_key", error
    if FAKE:
        refused(openai.InternalServerError, lambda: ask("busy"))
        refused(openai.APIError, lambda: list(ask("count=1 slips", stream=True)))


TOOL = {
    "type": "function",
    "function": {
        "name": "press",
        "description": "Presses a key",
        "parameters": {
            "type": "object",
            "properties": {"key": {"enum": ["home", "back"]}, "long": {"type": "boolean"}},
            "required": ["key", "long"],
            "additionalProperties": False,
        },
    },
}


def tools():
    press = {"type": "function", "function": {"name": "press"}}
    said = 'say {"key": "home", "long": false}'
    message = ask(said, tools=[TOOL], tool_choice=press, max_tokens=200).choices[0].message
    assert message.content is None and len(message.tool_calls) == 1, message
    assert message.tool_calls[0].function.name == "press", message
    arguments = json.loads(message.tool_calls[0].function.arguments)
    assert set(arguments) == {"key", "long"} and arguments["key"] in ("home", "back"), arguments

    # In pieces; and as one of two that it has to call.
    pieces = ask(said, tools=[TOOL], tool_choice=press, max_tokens=200, stream=True)
    calls = [call for chunk in pieces for choice in chunk.choices for call in choice.delta.tool_calls or []]
    assert calls[0].function.name == "press" and calls[0].id, calls
    assert set(json.loads("".join(call.function.arguments for call in calls))) == {"key", "long"}, calls
    other = {"type": "function", "function": {"name": "wait", "parameters": {"type": "object", "properties": {}, "additionalProperties": False}}}
    said = 'say {"name": "press", "arguments": {"key": "back", "long": true}}'
    choice = ask(said, tools=[TOOL, other], tool_choice="required", max_tokens=200).choices[0]
    assert choice.finish_reason == "tool_calls", choice
    assert choice.message.tool_calls[0].function.name in ("press", "wait"), choice

    # None are called, and earlier ones are understood.
    assert ask("count=1", tools=[TOOL], tool_choice="none").choices[0].message.content
    call = {"id": "a", "type": "function", "function": {"name": "press", "arguments": '{"key": "home", "long": false}'}}
    messages = [
        {"role": "user", "content": "Go home"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "done"},
        {"role": "user", "content": "count=1"},
    ]
    assert client.chat.completions.create(model=MODEL, messages=messages, tools=[TOOL], max_tokens=8).choices


def stops():
    if FAKE:
        return  # It is the engine that stops.
    text = ask("Turn Wi-Fi on", temperature=0, max_tokens=40).choices[0].message.content
    # Pairs of letters from all over it, whatever tokens they are of, each up to where it stands first.
    pairs = {text[at : at + 2] for at in range(1, len(text) - 2, 3)} | {text[at] for at in range(1, len(text) - 1, 5)}
    for pair in sorted(pairs):
        choice = ask("Turn Wi-Fi on", temperature=0, max_tokens=40, stop=[pair]).choices[0]
        assert (choice.message.content, choice.finish_reason) == (text[: text.index(pair)], "stop"), (text, pair, choice)


def several():
    answer = ask("count=2", n=3, temperature=1)
    assert [choice.index for choice in answer.choices] == [0, 1, 2], answer


def too_long():
    if FAKE:
        return
    error = refused(openai.BadRequestError, lambda: ask("a b " * 5000))
    assert error.code == "context_length_exceeded" and "maximum context length is" in error.message, error


def cancel():
    answer = ask("count=100000 delay=2", stream=True, max_tokens=3000)
    for count, _ in enumerate(answer):
        if count == 3:
            break
    answer.close()


def eight_at_once():
    def one(number):
        text = ""
        for chunk in ask(f"count={number + 3} delay=3", stream=True, temperature=0):
            text += "".join(choice.delta.content or "" for choice in chunk.choices)
        return text

    alone = [one(number) for number in range(8)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        together = list(pool.map(one, range(8)))
    assert together == alone, (together, alone)
    if FAKE:
        assert together[0] == "0 é1 é2 é" and together[7].endswith("9 é"), together


for check in (whole, stream, picture, errors, tools, stops, several, too_long, cancel, eight_at_once):
    check()
    print(f"ok: {check.__name__.replace('_', ' ')}", flush=True)
