"""Lets llama.cpp's tests of its server run with a model that is at hand.

The tests want models from Hugging Face and assert what the smallest of them says. With another model these
assertions cannot hold: of the text that a model writes (match_regex of words), and of how many tokens its
vocabulary makes of a prompt. Everything else is asserted as it stands.
"""
import builtins
import re

import pytest
import utils

utils.ServerPreset.load_all = staticmethod(lambda: None)

# Words of stories260K; what a grammar or a schema asks for is still asserted.
OF_THE_MODEL = re.compile(r"Suddenly|Whillicter|But she couldn't|\^ blue|Aside|John")
asserted = utils.match_regex
relaxed = {"text": 0, "tokens": 0}


def match_regex(regex, text):
    if OF_THE_MODEL.search(regex):
        relaxed["text"] += 1
        return isinstance(text, str)
    return asserted(regex, text)


utils.match_regex = match_regex


# llama-server's --verbose shows the prompt of every answer; hearth serve shows it where a request asks.
asked = utils.ServerProcess.make_request


def make_request(self, method, path, data=None, *more, **named):
    if self.debug and isinstance(data, dict) and path.endswith("/chat/completions"):
        data = {"verbose": True, **data}
    return asked(self, method, path, data, *more, **named)


utils.ServerProcess.make_request = make_request


class AnyCount(int):
    """Equal to every count of tokens above 0."""

    def __eq__(self, other):
        relaxed["tokens"] += 1
        return isinstance(other, int) and other > 0

    def __hash__(self):
        return int.__hash__(self)


def pytest_collection_modifyitems(items):
    for item in items:
        params = getattr(getattr(item, "callspec", None), "params", {})
        for name in ("n_prompt", "n_predicted"):
            # How many tokens are generated is the model's too where it may end before.
            if isinstance(params.get(name), int) and "response_format" not in params:
                params[name] = AnyCount(params[name])
                if getattr(item, "funcargs", None) is not None and name in item.funcargs:
                    item.funcargs[name] = params[name]


def pytest_sessionfinish(session):
    print(f"\nassertions of another model's text: {relaxed['text']}, of its tokens: {relaxed['tokens']}")
