"""Places that are no plain files, names that libraries interpret, lists that name other places, and archives with tricks."""

from __future__ import annotations

import io
import os
import shutil
import socket
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.hostile import bad_images

Writer = Callable[[Path], None]

#: What a command may be given in place of a file.
KINDS = ("pipe", "socket", "endless", "no size", "loop", "nothing", "folder")
#: Signs that a shell, a pattern, a URL or a database would interpret.
NAMES = (
    *("d[1]", "d*", "d?", "{a,b}", "{0..2}", "x#y", "a%20b", "http:x", "-rf", "a\nb", "~", "$HOME"),
    *("\udcff", "concat:a", "?mode=rw"),
)
_LINKS = {"endless": "/dev/zero", "no size": "/proc/self/environ", "nothing": "gone"}


def special_files(*endings: str) -> dict[str, Writer]:
    """A place of each kind under a name with each of the endings."""
    return {f"{kind}{ending}": partial(_special, kind) for ending in endings for kind in KINDS}


def _special(kind: str, path: Path) -> None:
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(os.path.relpath(path))
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(_LINKS.get(kind, path.name))


def named_tables() -> dict[str, Writer]:
    """The same table under names with signs, each beside another table that a pattern would find."""
    return {f"{name}.csv": partial(_beside, _TABLE) for name in NAMES}


def named_scores() -> dict[str, Writer]:
    """The same table of results under such names."""
    return {f"{name}.csv": partial(_beside, _SCORES) for name in NAMES}


_TABLE = "a,b,label\n" + "".join(f"{k % 7},{k % 5}.5,{'xy'[k % 2]}\n" for k in range(40))
_SCORES = "seed,strategy,accuracy\n" + "".join(
    f"{k},{name},{score + k % 3}\n" for k in range(4) for name, score in (("source", 10), ("target", 90))
)


def _beside(text: str, path: Path) -> None:
    path.write_text(text)
    for other in ("d1", "dx", "a", "b", "0", "1", "2", "x", "a b"):
        place = path.with_name(f"{other}.csv")
        if place != path:
            place.write_text("other,columns\nfar,away\n")


def bad_lists() -> dict[str, Writer]:
    """Lists that name addresses or places that are no data, beside one good image."""
    addresses = (
        "http://127.0.0.1:9/x",
        "simplecache::http://127.0.0.1:9/x",
        "file:///etc/passwd",
        "github://a:b@main/c",
        "s3://a/b",
    )
    entries = {f"address {number}": text for number, text in enumerate(addresses)}
    entries |= {"endless": "/dev/zero", "environment": "/proc/self/environ", "terminal": "/dev/tty"}
    entries |= {"climbing": "../../../../../../../../etc/passwd"}
    made: dict[str, Writer] = {}
    for name, entry in entries.items():
        made[f"{name}.txt"] = partial(_text, f"../photos/ants/good0.png\n{entry}\n")
        made[f"{name}.csv"] = partial(_text, f"path,label\n../photos/ants/good0.png,a\n{entry},b\n")
    return made


def bad_archives() -> dict[str, Writer]:
    """Archives of which a part would go unread, or be read in two ways."""
    return {
        "joined.tar": _joined,
        "sparse-overlap.tar": partial(_sparse, ((0, 1024), (512, 512))),
        "sparse-beyond.tar": partial(_sparse, ((0, 512), (1 << 30, 512))),
        "sparse-backwards.tar": partial(_sparse, ((512, 512), (0, 512))),
    }


def _joined(path: Path) -> None:
    path.write_bytes(2 * _archive({"a/0.png": _image(0)}))


def bad_folders() -> dict[str, Writer]:
    """Folders whose entries are no files, of which none is a sample."""
    return {
        "of-pipes": partial(_folder, ("pipe", "socket")),
        "of-links": partial(_folder, ("loop", "nothing")),
        "of-devices": partial(_folder, ("endless", "no size")),
        "of-folders-named-as-images": partial(_folder, ("folder",)),
        "a-link-to-itself": lambda path: path.symlink_to(path.name),
        "links-in-a-circle": _circle,
    }


def _folder(kinds: tuple[str, ...], path: Path) -> None:
    for label in ("a", "b"):
        (path / label).mkdir(parents=True)
        for kind in kinds:
            _special(kind, path / label / f"{kind}.png")


def _circle(path: Path) -> None:
    for label, other in (("a", "b"), ("b", "a")):
        (path / label).mkdir(parents=True)
        (path / label / "up").symlink_to("../..")
        (path / label / "other").symlink_to(f"../{other}")


def _text(text: str, path: Path) -> None:
    path.write_text(text)


def _image(seed: int) -> bytes:
    return bad_images.encoded("PNG", seed=seed)


def _archive(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in members.items():
            one = tarfile.TarInfo(name)
            one.size = len(data)
            archive.addfile(one, io.BytesIO(data))
    return buffer.getvalue()


def _sparse(pieces: tuple[tuple[int, int], ...], path: Path) -> None:
    """A member in GNU's old sparse format, whose pieces do not follow each other within its size."""
    member = tarfile.TarInfo("a/0.png")
    member.size, member.type = sum(length for _, length in pieces), tarfile.GNUTYPE_SPARSE
    block = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    block[386:482] = b"".join(f"{start:011o}\0{length:011o}\0".encode() for start, length in pieces).ljust(96, b"\0")
    block[483:495] = f"{1024:011o}\0".encode()
    block[148:156] = b"        "
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    path.write_bytes(bytes(block) + bytes(member.size) + bytes(1024))


def remove(path: Path) -> None:
    """Remove whatever lies at a place."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
