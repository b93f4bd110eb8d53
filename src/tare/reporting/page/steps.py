"""The command that follows another: the same network, data and options under another verb."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

#: Options that no other verb takes; True: a value follows.
OUTPUTS: Mapping[str, bool] = {"--html": True, "--json": False, "--config": True}


def with_verb(command: str, verb: str, more: tuple[str, ...] = (), without: Mapping[str, bool] = OUTPUTS) -> str:
    """``command`` with another verb, without the options ``without``, and with ``more`` at its end."""
    words, kept = shlex.split(command)[2:], []
    while words:
        word = words.pop(0)
        name, _, value = word.partition("=")
        if name not in without:
            kept.append(word)
        elif without[name] and not value:
            words = words[1:]
    return shlex.join(["tare", verb, *kept, *more])
