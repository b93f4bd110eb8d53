"""Which addresses a process and its children listen on, as the kernel's own tables say."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

_LISTENS = "0A"
Address = IPv4Address | IPv6Address


def family_of(root: int) -> set[int]:
    """A process with all that it started, and those that these did."""
    parents = {}
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                parents[int(place.name)] = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue  # has ended meanwhile
    found = {root}
    while grown := {child for child, parent in parents.items() if parent in found} - found:
        found |= grown
    return found


def listening(root: int | None = None) -> list[tuple[Address, int]]:
    """Address and port of every TCP socket that a process, this one if none is named, and its children listen on."""
    inodes = set()
    for process in family_of(os.getpid() if root is None else root):
        inodes |= {link[len("socket:[") : -1] for link in _links(process) if link.startswith("socket:[")}
    found = []
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = row.split()
            if words[3] == _LISTENS and words[9] in inodes:
                address, _, port = words[1].partition(":")
                found.append((_address(address), int(port, 16)))
    return found


def _links(process: int) -> Iterator[str]:
    """What the open files of a process are; of one that is closed meanwhile nothing."""
    with suppress(OSError):
        for place in Path(f"/proc/{process}/fd").iterdir():
            with suppress(OSError):
                yield str(place.readlink())


def _address(text: str) -> Address:
    """An address as the kernel writes it: words of four bytes, each in the order of the machine."""
    words = (bytes.fromhex(text[place : place + 8])[::-1] for place in range(0, len(text), 8))
    whole = ip_address(b"".join(words))
    return getattr(whole, "ipv4_mapped", None) or whole
