"""Image and sound files as bytes, encoded by other means than the code under test."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def encoded(pixels: NDArray[Any], kind: str, **options: Any) -> bytes:
    """Encode 8-bit ``(H, W)``, ``(H, W, 3)`` or ``(H, W, 4)`` with Pillow."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def deep_png(pixels: NDArray[np.uint16], transparent: bytes | None = None) -> bytes:
    """Encode 16-bit ``(H, W, C)`` as PNG: grey, grey with alpha, colour, colour with alpha; or with a transparent level."""
    height, width, channels = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    return plain_png(width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], rows, transparent)


def plain_png(width: int, height: int, bits: int, colour_type: int, rows: bytes, transparent: bytes | None = None) -> bytes:
    """A PNG of filtered ``rows`` as they are; ``transparent`` is its chunk tRNS."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    level = () if transparent is None else ((b"tRNS", transparent),)
    chunks = ((b"IHDR", header), *level, (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def deep_tiff(pixels: NDArray[np.uint16], order: str = "<", planar: bool = False) -> bytes:
    """Encode 16-bit ``(H, W, C)`` as an uncompressed TIFF of one strip, or of one strip a channel if ``planar``."""
    height, width, channels = pixels.shape
    values = np.moveaxis(pixels, -1, 0) if planar else pixels
    data = values.astype(f"{order}u2").tobytes()
    count = 11 if channels == 4 else 10
    bits_at = 8 + 2 + 12 * count + 4
    offsets_at = bits_at + 2 * channels
    sizes_at = offsets_at + 4 * channels
    data_at = sizes_at + 4 * channels
    strips = channels if planar else 1
    size = len(data) // strips
    fields = [
        (256, 3, 1, width), (257, 3, 1, height), (258, 3, channels, bits_at), (259, 3, 1, 1), (262, 3, 1, 2),
        (273, 4, strips, offsets_at if planar else data_at), (277, 3, 1, channels), (278, 3, 1, height),
        (279, 4, strips, sizes_at if planar else size), (284, 3, 1, 2 if planar else 1),
        *([(338, 3, 1, 2)] if channels == 4 else []),
    ]  # fmt: skip
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, count)
    for tag, kind, number, value in fields:
        head += struct.pack(f"{order}HHI", tag, kind, number)
        inline = kind == 3 and number == 1
        head += struct.pack(f"{order}HH", value, 0) if inline else struct.pack(f"{order}I", value)
    head += struct.pack(f"{order}I", 0) + struct.pack(f"{order}{channels}H", *[16] * channels)
    head += struct.pack(f"{order}{channels}I", *[data_at + size * k for k in range(channels)])
    return head + struct.pack(f"{order}{channels}I", *[size] * channels) + data


def packed(path: Path, members: list[tuple[str, bytes]]) -> Path:
    """Write a tar archive, compressed if its name says so."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    data = buffer.getvalue()
    path.write_bytes(gzip.compress(data) if path.suffix in (".gz", ".tgz") else data)
    return path


def excel(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    """Write an Excel file of numbers, texts, truth values and empty cells, the least that its readers take."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    of_office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    of_package = "http://schemas.openxmlformats.org/package/2006"

    def cell(value: Any) -> str:
        if value is None or isinstance(value, bool):
            return "<c/>" if value is None else f'<c t="b"><v>{value:d}</v></c>'
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>' if isinstance(value, str) else f"<c><v>{value!r}</v></c>"

    def rows(values: list[list[Any]]) -> str:
        return "".join(f"<row>{''.join(map(cell, row))}</row>" for row in values)

    kinds = {"_rels/.rels": [("officeDocument", "xl/workbook.xml")], "xl/_rels/workbook.xml.rels": []}
    names = ""
    with zipfile.ZipFile(path, "w") as file:
        for number, (name, values) in enumerate(sheets.items(), 1):
            kinds["xl/_rels/workbook.xml.rels"].append(("worksheet", f"worksheets/{number}.xml"))
            names += f'<sheet name="{name}" sheetId="{number}" r:id="r{number}"/>'
            file.writestr(
                f"xl/worksheets/{number}.xml", f'<worksheet xmlns="{main}"><sheetData>{rows(values)}</sheetData></worksheet>'
            )
        file.writestr("xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{of_office}"><sheets>{names}</sheets></workbook>')
        for place, targets in kinds.items():
            each = (
                f'<Relationship Id="r{k}" Type="{of_office}/{kind}" Target="{to}"/>' for k, (kind, to) in enumerate(targets, 1)
            )
            file.writestr(place, f'<Relationships xmlns="{of_package}/relationships">{"".join(each)}</Relationships>')
        file.writestr("[Content_Types].xml", f'<Types xmlns="{of_package}/content-types"/>')
    return path
