"""Data whose values, or classes, a careless reader gets wrong without a word: what writes each, and what is right.

Right is a mean of each channel in raw values, the classes of a run, or a refusal in one line.
"""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.decoding.made import Made
from benchmarks.hostile.bad_images import encoded
from benchmarks.hostile.bad_sources import Writer

_ROWS = 60


@dataclass(frozen=True, slots=True)
class Values:
    """A file: ``means`` are those of its channels in raw values, ``said`` is in what the command prints; neither is a refusal."""

    write: Writer
    means: tuple[float, ...] | None = None
    said: str = ""


def _bytes(data: bytes) -> Writer:
    def write(path: Path) -> None:
        path.write_bytes(data)

    return write


def tables() -> dict[str, Values]:
    """CSV, Parquet and Arrow files whose numbers can be read in two ways, or by halves."""
    return {**_csv_numbers(), **_csv_refused(), **_columns()}


def _csv_numbers() -> dict[str, Values]:
    def csv(rows: list[str], means: tuple[float, ...], said: str = "", head: str = "a;b") -> Values:
        text = "\n".join([head, *(rows * (_ROWS // len(rows)))]) + "\n"
        return Values(_bytes(text.encode()), means, said)

    return {
        "decimal-commas.csv": csv(["1,5;2", "3,25;4"], (2.375, 3), "has a decimal comma: 1,5 is read as 1.5"),
        "decimal-commas.tsv": csv(["1,5\t2", "3,25\t4"], (2.375, 3), "has a decimal comma", "a\tb"),
        "thousands.csv": csv(["1,234,567;2", "3,255;4"], (618911, 3), "has a thousands comma: 1,234 is read as 1234"),
        "bars.csv": csv(["1.5|2", "3|4"], (2.25, 3), "", "a|b"),
        "byte-order-mark.csv": csv(["1.5;2", "3;4"], (2.25, 3), "", "\ufeffa;b"),
        "exponents.csv": csv(["1e2,2", "3E-2,4"], (50.015, 3), "", "a,b"),
        "other-digits.csv": csv(["\u0663,2", "5,4"], (4, 3), "", "a,b"),
        "quoted.csv": csv(['"1.5","2"', '"3","4"'], (2.25, 3), "", '"a","b"'),
        "blanks.csv": csv([" 1.5 , 2 ", "3 ,4"], (2.25, 3), "", "a , b"),
        "hexadecimal.csv": csv(["0x1f,2", "3,4"], (3,), "0x1f", "a,b"),
        "programmers.csv": csv(["1_000,2", "3,4"], (3,), "1_000", "a,b"),
        "typed-minus.csv": csv(["\u22125,2", "3,4"], (3,), "\u22125", "a,b"),
        "fractions.csv": csv(["1/2,2", "3,4"], (3,), "1/2", "a,b"),
        "percents.csv": csv(["5%,2", "3%,4"], (3,), "5%", "a,b"),
        "dates.csv": csv(["2024-01-02,2", "2024-01-03,4"], (3,), "2024-01-02", "a,b"),
        "words.csv": csv(["True,2", "False,4"], (3,), "True", "a,b"),
    }


def _csv_refused() -> dict[str, Values]:
    def late(cell: str, head: str = "a,b", row: str = "1.5,2\n") -> Values:
        text = f"{head}\n{row * 20_000}{cell}\n"
        return Values(_bytes(text.encode()))

    def csv(text: str, encoding: str = "utf-8") -> Values:
        return Values(_bytes(text.encode(encoding)))

    return {
        "thousand-or-decimal.csv": csv("a;b\n" + "1,234;2\n3,255;4\n" * 30),
        "dots-and-commas.csv": csv("a;b\n" + "1.234,5;2\n3.255,1;4\n" * 30),
        "commas-and-points.csv": csv("a;b\n" + "1,5;2\n3.5;4\n" * 30),
        "utf-16.csv": csv("a,b\n" + "1,2\n3,4\n" * 30, "utf-16"),
        "latin-1.csv": csv("h\u00f6he,b\n" + "1,2\n3,4\n" * 30, "latin-1"),
        "late-comma.csv": late("2,5;4", "a;b", "1.5;2\n"),
        "late-point.csv": late("2.5;4", "a;b", "1,5;2\n"),
        "late-word.csv": late("abc,4"),
        "late-hexadecimal.csv": late("0x1f,4"),
        "late-minus.csv": late("\u22125,4"),
        "late-name.csv": late(f"{2**60 + 1},4"),
        "late-short-row.csv": late("3"),
        "names-of-rows.csv": csv("a,b\n" + "".join(f"{2**60 + k},{k}\n" for k in range(_ROWS))),
        "twice.csv": csv("a,a\n1,2\n3,4\n"),
        "comment.csv": csv("# made by a program\na,b\n1,2\n3,4\n"),
    }


def _columns() -> dict[str, Values]:
    def both(table: Callable[[], Any], means: tuple[float, ...] | None, said: str = "") -> dict[str, Values]:
        def parquet(path: Path) -> None:
            pq.write_table(table(), path)

        def arrow(path: Path) -> None:
            whole = table()
            with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, whole.schema) as writer:
                writer.write_table(whole)

        return {"parquet": Values(parquet, means, said), "arrow": Values(arrow, means, said)}

    half = np.arange(_ROWS)
    kinds: dict[str, dict[str, Values]] = {
        "one-name-twice": both(lambda: pa.Table.from_arrays([pa.array([1.0, 2]), pa.array([3.0, 9])], names=["a", "a"]), None),
        "star": both(lambda: pa.table({"*": [1.0, 2.0], "b": [5.0, 9.0]}), (1.5, 7)),
        "pattern": both(lambda: pa.table({"^b.*$": [1.0, 2.0], "b": [5.0, 9.0]}), (1.5, 7)),
        "dots-and-slashes": both(lambda: pa.table({"a.b/c": [1.0, 2.0], "a": [5.0, 9.0]}), (1.5, 7)),
        "nested": both(lambda: pa.table({"s": [{"x": 1.0}, {"x": 2.0}], "a": [5.0, 9.0]}), (7,), "struct"),
        "half-floats": both(lambda: pa.table({"a": pa.array(half.astype(np.float16))}), (float(half.mean()),)),
        "names-of-rows": both(lambda: pa.table({"a": pa.array([2**60 + k for k in range(_ROWS)])}), None),
        "unsigned": both(lambda: pa.table({"a": pa.array([2**64 - 1, 1], pa.uint64())}), None),
        "times": both(lambda: pa.table({"t": pa.array([0, 1], pa.timestamp("s")), "b": [1.0, 2.0]}), (1.5,), "timestamp"),
        "unequal-lists": both(lambda: pa.table({"l": [[1.0, 2.0]] * 200 + [[3.0]], "b": [1.0] * 201}), None),
    }
    return {f"{name}.{ending}": each for name, forms in kinds.items() for ending, each in forms.items()}


def arrays() -> dict[str, Values]:
    """Arrays of types that a cast cuts, and images of other depths than 8 bits."""
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(_ROWS, 2))
    return {
        "names.npy": _npy(np.arange(2**60, 2**60 + 60).reshape(-1, 2), None),
        "unsigned.npy": _npy(np.full((_ROWS, 2), 2**64 - 1, np.uint64), None),
        "complex.npy": _npy(rows.astype(complex), None),
        "records.npy": _npy(np.zeros(_ROWS, [("a", "f4"), ("b", "i4")]), None),
        "times.npy": _npy(np.zeros((_ROWS, 2), "M8[s]"), None),
        "extended.npy": _npy(rows.astype(np.longdouble), None)
        if np.longdouble().itemsize > 8
        else _npy(rows.astype(complex), None),
        "big-endian.npy": _npy(rows.astype(">f4"), tuple(rows.astype("f4").mean(axis=0, dtype=float))),
        "fortran.npy": _npy(np.asfortranarray(rows), tuple(rows.mean(axis=0))),
        "signed.npy": _npy((rows * 20).astype(np.int8), tuple((rows * 20).astype(np.int8).mean(axis=0))),
        "half-overflow.npy": _npy(np.full((_ROWS, 2), 60_000, np.float16), (60_000, 60_000)),
        "largest-whole.npy": _npy(np.full((_ROWS, 2), 2**53), (2.0**53, 2.0**53)),
    }


def _npy(values: Any, means: tuple[float, ...] | None) -> Values:
    return Values(lambda path: np.save(path, values), means)


def images() -> dict[str, Values]:
    """One made file of each kind of :mod:`benchmarks.decoding` whose values are easily cut, shifted or inverted."""
    from benchmarks.decoding import made_png, made_simple, made_tiff

    wanted = (
        "Netpbm-16_bits-PPM_raw_0..65535", "Netpbm-12_bits-PPM_plain_0..4095", "Netpbm-16_bits-PGM_plain_0..40000",
        "TIFF-16_bits-MinIsWhite_plain", "TIFF-12_bits-MinIsWhite_deflate", "TIFF-8_bits_signed-MinIsBlack_signed_plain",
        "TIFF-16_bits_signed-MinIsBlack_signed_deflate_big-endian", "TIFF-32_bits-MinIsBlack_plain",
        "TIFF-32_bits-MinIsBlack_plain_small_values", "TIFF-float32-MinIsBlack_float_deflate_big-endian_predictor3",
        "TIFF-float64-MinIsBlack_float_plain", "TIFF-16_bits-RGB_deflate_planar", "TIFF-2_bits-RGB_plain",
        "TIFF-8_bits-Lab_plain", "TIFF-16_bits-CMYK_plain",
        "TIFF-8_bits-CMYK_plain_other_inks", "TIFF-8_bits-RGB_plain_extra1",
        "TIFF-4_bits-palette_plain_16-bit_entries", "PNG-16_bits-RGB_alpha_Adam7", "PNG-16_bits-grey_alpha",
        "PNG-2_bits-grey_tRNS",
        "BMP-32_bits-masks_10-10-10",
    )  # fmt: skip
    every = [made for files in (made_png.pngs, made_simple.netpbms, made_simple.bmps, made_tiff.tiffs) for made in files()]
    found = {made.ident: made for made in every}
    endings = {"TIFF": "tif", "PNG": "png", "Netpbm": "ppm", "BMP": "bmp"}
    return {f"{name}.{endings[found[name].format]}": _image(found[name]) for name in wanted}


#: Right or refused: these are refused.
_REFUSED = frozenset(("PNG-16_bits-grey_alpha",))


def _image(made: Made) -> Values:
    raw = made.expected
    refused = raw is None or made.ident in _REFUSED
    means = None if raw is None or refused else tuple(raw.reshape(-1, raw.shape[-1]).astype(np.float64).mean(axis=0).tolist())
    return Values(_bytes(made.data), means)


def folders() -> dict[str, Writer]:
    """Folders of two classes of images that are not of one kind, or hold what is no number."""
    return {"mixed-depths": _mixed("u2", 60_000), "wide-among-bytes": _mixed("i4", 99_999), "not-a-number": _mixed("f4", None)}


def _mixed(dtype: str, most: int | None) -> Writer:
    def write(path: Path) -> None:
        from PIL import Image

        rng = np.random.default_rng(4)
        for label in ("ants", "bees"):
            (path / label).mkdir(parents=True)
            for index in range(6):
                values = rng.integers(0, most, (30, 30)).astype(dtype) if most else rng.normal(size=(30, 30)).astype(dtype)
                if most is None and index == 3:
                    values[0, 0] = np.nan
                if most is not None and index % 2:
                    (path / label / f"{index}.tif").write_bytes(encoded("TIFF", seed=index))
                else:
                    Image.fromarray(values).save(path / label / f"{index}.tif")

    return write


def labels() -> dict[str, tuple[Writer, tuple[str, ...] | None]]:
    """Tables whose labels a reader of numbers merges: the classes of a run, or None for a refusal."""

    def csv(
        classes: tuple[str, ...], right: tuple[str, ...] | None = (), *, sign: str = ","
    ) -> tuple[Writer, tuple[str, ...] | None]:
        def write(path: Path) -> None:
            rng = np.random.default_rng(5)
            lines = [f"{rng.normal():.3f}{sign}{rng.normal():.3f}{sign}{classes[k % len(classes)]}" for k in range(80)]
            path.write_text("\n".join([f"a{sign}b{sign}label", *lines]) + "\n", encoding="utf-8")

        return write, classes if right == () else right

    def parquet(column: Any, right: tuple[str, ...] | None) -> tuple[Writer, tuple[str, ...] | None]:
        def write(path: Path) -> None:
            rng = np.random.default_rng(5)
            pq.write_table(pa.table({"a": rng.normal(size=80), "b": rng.normal(size=80), "label": column}), path)

        return write, right

    return {
        "zeros.csv": csv(("01", "1", "007", "7")),
        "points.csv": csv(("1", "1.0", "1.00", "1e0")),
        "signs.csv": csv(("1", "+1", "0x1", "01")),
        "truths.csv": csv(("True", "true", "TRUE", "1")),
        "no-values.csv": csv(("NA", "nan", "null", "None")),
        "digits.csv": csv(("3", "\u0663", "\uff13", "03")),
        "cases.csv": csv(("cat", "Cat", "CAT", "cats")),
        "semicolons.csv": csv(("01", "1", "007", "7"), sign=";"),
        "wide-names.csv": csv((str(2**60), str(2**60 + 1), str(2**53), str(2**53 + 1))),
        "composed.csv": csv(("caf\u00e9", "cafe\u0301", "tea", "milk"), None),
        "blanks.csv": csv(("cat", "cat ", "dog", "cow"), None),
        "missing.csv": csv(("cat", "", "dog", "cow"), None),
        "only-blanks.csv": csv(("cat", "  ", "dog", "cow"), None),
        "texts.parquet": parquet(["01", "1", "007", "7"] * 20, ("01", "1", "007", "7")),
        "floats.parquet": parquet([1.0, 1.5, 2.0, 2.5] * 20, ("1.0", "1.5", "2.0", "2.5")),
        "truths.parquet": parquet([True, False] * 40, ("true", "false")),
        "wide-names.parquet": parquet([2**60, 2**60 + 1] * 40, (str(2**60), str(2**60 + 1))),
        "missing.parquet": parquet([1, 2, None, 4] * 20, None),
        "nan.parquet": parquet([1.0, 2.0, float("nan"), 4.0] * 20, None),
        "lists.parquet": parquet([[1], [2], [3], [4]] * 20, None),
    }  # fmt: skip


def bombs() -> Iterator[tuple[str, Writer]]:
    """Containers of a few megabytes that unpack to gigabytes."""
    if find_spec("scipy"):
        yield "bomb.mat", _bomb_mat
    if find_spec("fastexcel"):
        yield "bomb.xlsx", _bomb_excel
    if find_spec("nibabel"):
        yield "bomb.nii.gz", _bomb_nifti
        yield "lying-bomb.nii.gz", lambda path: _bomb_nifti(path, axes=(100, 100, 100))


_GIGABYTES = 6


def _bomb_mat(path: Path) -> None:
    """A MATLAB 5 file with one packed matrix of 6 GB (MAT-File Format, Level 5)."""
    rows = _GIGABYTES << 17  # of 1,024 doubles
    head = struct.pack("<IIII", 6, 8, 6, 0) + struct.pack("<IIii", 5, 8, rows, 1024) + struct.pack("<HH4s", 1, 1, b"x\0\0\0")
    size = rows * 8192
    body = struct.pack("<II", 14, min(len(head) + 8 + size, 2**32 - 1)) + head + struct.pack("<II", 9, min(size, 2**32 - 1))
    packer = zlib.compressobj(1)
    packed = packer.compress(body)
    for _ in range(64):  # a part of what it claims is enough for a reader that believes it
        packed += packer.compress(bytes(1 << 22))
    packed += packer.flush()
    path.write_bytes(
        b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<HH", 0x0100, 0x4D49) + struct.pack("<II", 15, len(packed)) + packed
    )


def _bomb_excel(path: Path) -> None:
    """A sheet whose XML unpacks to 4 GB."""
    types = (
        '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>'
    )
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    book = (
        f'<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="{office}">'
        '<sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    relation = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="rId1" Type="{}/{}" Target="{}"/></Relationships>'
    )
    row = b"<row><c><v>1</v></c><c><v>2</v></c></row>" * 10_000
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("[Content_Types].xml", types)
        archive.writestr("_rels/.rels", relation.format(office, "officeDocument", "xl/workbook.xml"))
        archive.writestr("xl/workbook.xml", book)
        archive.writestr("xl/_rels/workbook.xml.rels", relation.format(office, "worksheet", "worksheets/sheet1.xml"))
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>')
            for _ in range((1 << 31) // len(row)):
                sheet.write(row)
            sheet.write(b"</sheetData></worksheet>")


def _bomb_nifti(path: Path, axes: tuple[int, int, int] = (2048, 1024, 384)) -> None:
    """A volume of 6 GB of zeros in as many packed parts; with smaller ``axes`` most of it lies behind the volume."""
    import nibabel

    header = nibabel.Nifti1Header()
    header.set_data_shape(axes)
    header.set_data_dtype(np.float64)
    head = io.BytesIO()
    header.write_to(head)
    part = gzip.compress(bytes(64 << 20), 1)
    path.write_bytes(gzip.compress(head.getvalue().ljust(352, b"\0")) + part * (_GIGABYTES * 16))


def classes_in(out: Path) -> list[str]:
    """The classes of the run in a folder."""
    return list(json.loads((out / "model" / "tare.json").read_text(encoding="utf-8"))["classes"])
