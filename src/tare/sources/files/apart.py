"""Channels of one scene in files of their own, by the names of the files: bands of satellites, stains, modalities of a scan."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import islice

#: Names of a channel as the last word of a file's name, in lower case.
_CHANNEL = re.compile(
    r"b\d{1,2}a?|band_?\d{1,2}|red|green|blue|nir|swir\d?|tir|vv|vh|hh|hv|ch?\d{1,2}|ch\d{1,2}|w\d|dapi|gfp|rfp|cy\d|"
    r"t1|t1w|t1c|t1ce|t1n|t1gd|t2|t2w|t2f|flair|dwi|adc|swi|pd|ct|pet|suv"
)
#: nnU-Net numbers the channels of a case.
_NUMBERED = re.compile(r"000\d")
#: Names that are looked at, and the most channels of a scene.
LOOKED_AT, _MOST = 4096, 16
#: Share of the files that are channels of such scenes.
_FEWEST = 0.75


def channels_apart(names: Iterable[str], *, numbered: bool = False) -> tuple[str, ...]:
    """A remark on files that by their names hold one channel each, several for most scenes; the first names are looked at.

    With ``numbered`` a channel may also be a number of nnU-Net. Such files are counted as samples of one kind, which is right
    only for a network that takes any of these channels.
    """
    scenes: defaultdict[str, set[str]] = defaultdict(set)
    looked_at = 0
    for name in islice(names, LOOKED_AT):
        looked_at += 1
        folder, base = os.path.split(os.path.splitext(name.removesuffix(".gz"))[0])
        words = re.split(r"(?<=[^_.-])[_.-](?=[^_.-])", base)
        last, first = words[-1].lower(), words[0].lower()
        if len(words) > 1 and (_CHANNEL.fullmatch(last) or (numbered and _NUMBERED.fullmatch(last))):
            scenes[f"{folder}/{base[: -len(last)]}"].add(words[-1])
        elif len(words) > 1 and _CHANNEL.fullmatch(first):
            scenes[base[len(first) :]].add(words[0])
    several = Counter(frozenset(channels) for channels in scenes.values() if 1 < len(channels) <= _MOST)
    if not several:
        return ()
    channels, scenes_of = several.most_common(1)[0]
    if scenes_of < 2 or scenes_of * len(channels) < _FEWEST * looked_at:
        return ()
    shown = sorted(channels)
    some = ", ".join(shown[:6]) + (", ..." if len(shown) > 6 else "")
    said = f"by their names the files hold one channel of a scene each ({some}), and are pooled here"
    return (f"{said}: for one of them name a pattern with {shown[0]}",)
