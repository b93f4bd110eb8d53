"""Data files other than single images that are broken, lie, or attack: what writes each, by name."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.hostile.bad_images import encoded, flipped

Writer = Callable[[Path], None]


def bad_sources() -> dict[str, Writer]:
    """File name to what writes it: nothing in any of them can be measured."""
    return {**_arrays(), **_tables(), **_archives(), **_sounds()}


def _arrays() -> dict[str, Writer]:
    def header(text: str, data: bytes = b"") -> bytes:
        return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data

    claim = "{'descr': '|u1', 'fortran_order': False, 'shape': (4000000000, 8, 8), }"
    pickled = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    return {
        "empty.npy": lambda path: _write(path, b""),
        "magic-only.npy": lambda path: _write(path, b"\x93NUMPY"),
        "claims-4gb.npy": lambda path: _write(path, header(claim, bytes(100))),
        "negative-shape.npy": lambda path: _write(path, header(claim.replace("4000000000", "-4"), bytes(100))),
        "code-in-header.npy": lambda path: _write(path, header("__import__('os').system('touch tare-was-here')")),
        "pickled-objects.npy": lambda path: _write(path, header(pickled, b"cos\nsystem\n(S'touch tare-was-here'\ntR.")),
        "not-finite.npy": lambda path: np.save(path, np.full((4, 8, 8, 3), np.nan)),
        "text-values.npy": lambda path: np.save(path, np.array(["a", "b"])),
        "empty.npz": lambda path: _write(path, b""),
        "truncated.npz": lambda path: _write(path, _npz()[:-40]),
        "pickled-objects.npz": lambda path: np.savez(path, x=np.array([{"a": 1}], dtype=object)),
        "path-outside.npz": lambda path: _zip(path, [("../../outside.npy", _npy()), ("/etc/x.npy", b"no")]),
        "zip-of-text.npz": lambda path: _zip(path, [("x.npy", b"no array")]),
        "bomb.npz": lambda path: _zip(path, [("x.npy", header(claim.replace("4000000000", "40000"), bytes(2_560_000))[:-7])]),
        "empty.idx.gz": lambda path: _write(path, b""),
        "claims-4gb.idx": lambda path: _write(path, b"\0\0\x08\x03" + struct.pack(">III", 2**31, 28, 28) + bytes(50)),
        "wrong-type-idx3-ubyte": lambda path: _write(path, b"\0\0\x77\x03" + struct.pack(">III", 2, 2, 2) + bytes(8)),
        "truncated-idx3-ubyte.gz": lambda path: _write(path, gzip.compress(b"\0\0\x08\x03" + bytes(2000))[:-12]),
    }


def _tables() -> dict[str, Writer]:
    return {
        "empty.csv": lambda path: _write(path, b""),
        "header-only.csv": lambda path: _write(path, b"a,b,c\n"),
        "text-column.csv": lambda path: _write(path, b"a,b\n" + b"red,blue\n" * 20),
        "ragged.csv": lambda path: _write(path, b"a,b\n1,2\n1,2,3,4,5\n1\n" * 5),
        "binary.csv": lambda path: _write(path, bytes(range(256)) * 40),
        "not-utf8.csv": lambda path: _write(path, b"a,b\n\xff\xfe,\xff\n" * 10),
        "unclosed-quote.csv": lambda path: _write(path, b'a,b\n1,"2\n' + b"3,4\n" * 100),
        "endless-field.csv": lambda path: _write(path, b"a\n" + b"9" * 3_000_000 + b"\n"),
        "empty.parquet": lambda path: _write(path, b""),
        "magic-only.parquet": lambda path: _write(path, b"PAR1" + bytes(20) + b"PAR1"),
        "footer-lies.parquet": lambda path: _write(path, b"PAR1" + bytes(100) + struct.pack("<I", 2**31 - 1) + b"PAR1"),
        "truncated.parquet": lambda path: _write(path, _parquet()[: len(_parquet()) // 2]),
        "flipped.parquet": lambda path: _write(path, flipped(_parquet(), 60)),
        "text-only.parquet": lambda path: pq.write_table(pa.table({"a": ["x", "y"]}), path),
        "no-rows.parquet": lambda path: pq.write_table(pa.table({"a": pa.array([], pa.float64())}), path),
        "broken-images.parquet": lambda path: pq.write_table(
            pa.table({"image": [{"bytes": b"no image", "path": "a.jpg"}] * 3, "label": [0, 1, 0]}), path
        ),
        "truncated.arrow": lambda path: _write(path, b"ARROW1\0\0" + bytes(30)),
    }


def _archives() -> dict[str, Writer]:
    def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> Writer:
        return lambda path: _write(path, _tar([(name, encoded("JPEG"), kind, link)]))

    def nested(path: Path) -> None:
        data = encoded("JPEG")
        for _ in range(30):
            data = _tar([("inner.tar", data, tarfile.REGTYPE, "")])
        _write(path, data)

    return {
        "empty.tar": lambda path: _write(path, b""),
        "zeros.tar": lambda path: _write(path, bytes(10240)),
        "truncated.tar": lambda path: _write(path, _tar([("a.txt", bytes(5000), tarfile.REGTYPE, "")])[:1500]),
        "link-outside.tar": member("a.jpg", tarfile.SYMTYPE, "../../../../etc/passwd"),
        "hard-link.tar": member("a.jpg", tarfile.LNKTYPE, "/etc/passwd"),
        "device.tar": member("a.jpg", tarfile.CHRTYPE),
        "fifo.tar": member("a.jpg", tarfile.FIFOTYPE),
        "claims-4gb.tar": _lying_tar,
        "negative-size.tar": _negative_tar,
        "nested.tar": nested,
        "not-gzip.tar.gz": lambda path: _write(path, b"no gzip at all"),
        "gzip-cut.tar.gz": lambda path: _write(
            path, gzip.compress(_tar([("a.jpg", encoded("JPEG"), tarfile.REGTYPE, "")]))[:-30]
        ),
        "gzip-bomb.tar.gz": lambda path: _write(path, gzip.compress(bytes(200_000_000), 9)),
    }


def _sounds() -> dict[str, Writer]:
    def wav(chunk: bytes, riff: int = 36, data: bytes = bytes(100), claim: int | None = None) -> bytes:
        body = (
            b"WAVEfmt "
            + struct.pack("<I", len(chunk))
            + chunk
            + b"data"
            + struct.pack("<I", len(data) if claim is None else claim)
        )
        return b"RIFF" + struct.pack("<I", riff) + body + data

    plain = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)
    return {
        "empty.wav": lambda path: _write(path, b""),
        "header-only.wav": lambda path: _write(path, b"RIFF\x24\0\0\0WAVE"),
        "no-channels.wav": lambda path: _write(path, wav(struct.pack("<HHIIHH", 1, 0, 8000, 16000, 2, 16))),
        "many-channels.wav": lambda path: _write(path, wav(struct.pack("<HHIIHH", 1, 65535, 8000, 16000, 2, 16))),
        "zero-bits.wav": lambda path: _write(path, wav(struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 0))),
        "compressed.wav": lambda path: _write(path, wav(struct.pack("<HHIIHH", 85, 1, 8000, 16000, 2, 16))),
        "no-samples.wav": lambda path: _write(path, wav(plain, data=b"")),
        "chunk-claims-4gb.wav": lambda path: _write(path, b"RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\xff" + plain),
    }


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((4, 8, 8, 3), np.uint8))
    return buffer.getvalue()


def _npz() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, x=np.zeros((4, 8, 8, 3), np.uint8))
    return buffer.getvalue()


def _zip(path: Path, members: list[tuple[str, bytes]]) -> None:
    import zipfile

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)


def _parquet() -> bytes:
    buffer = io.BytesIO()
    values = np.random.default_rng(0).normal(size=(2000, 3))
    pq.write_table(pa.table({name: values[:, place] for place, name in enumerate("abc")}), buffer)
    return buffer.getvalue()


def _tar(members: list[tuple[str, bytes, bytes, str]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data, kind, link in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link
            info.size = len(data) if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(data) if kind == tarfile.REGTYPE else None)
    return buffer.getvalue()


def _resized(size: bytes) -> bytes:
    """A tar whose only member claims another size, its checksum mended."""
    data = bytearray(_tar([("a.jpg", encoded("JPEG"), tarfile.REGTYPE, "")]))
    data[124:136] = size
    data[148:156] = b" " * 8
    data[148:156] = f"{sum(data[:512]):06o}\0 ".encode()
    return bytes(data)


def _lying_tar(path: Path) -> None:
    _write(path, _resized(f"{4 << 30:011o}\0".encode()))


def _negative_tar(path: Path) -> None:
    _write(path, _resized(b"\xff" * 12))
