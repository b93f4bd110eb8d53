"""Documents, weights and graphs that are broken or hostile: what writes each, by name."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path

from benchmarks.hostile.bad_images import flipped
from benchmarks.hostile.bad_sources import Writer

_DEEP = 100_000


def bad_json() -> dict[str, Writer]:
    """Documents that are no statistics, no spec, no plan and no configuration."""
    texts: dict[str, str | bytes] = {
        "empty.json": "",
        "cut.json": '{"schema": "tare.spec/1", "mean": [0.5',
        "number.json": "1",
        "list.json": "[1, 2, 3]",
        "null.json": "null",
        "nan-mean.json": '{"schema": "tare.spec/1", "mean": [NaN, NaN, NaN], "std": [1, 1, 1], "scale": 0.00392156862745098}',
        "zero-std.json": '{"schema": "tare.spec/1", "mean": [0, 0, 0], "std": [0, 0, 0], "scale": 0.00392156862745098}',
        "huge-numbers.json": '{"schema": "tare.spec/1", "mean": [1e999, 0, 0], "std": [1, 1, 1], "scale": 1e-999}',
        "wrong-types.json": '{"schema": "tare.spec/1", "mean": {"a": 1}, "std": "0.5", "size": [true], "scale": []}',
        "long-mean.json": json.dumps({"schema": "tare.spec/1", "mean": [0.5] * 100_000, "std": [0.5] * 3}),
        "other-schema.json": '{"schema": "tare.spec/999", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}',
        "stats-lie.json": '{"schema": "tare.stats/1", "channels": [{"mean": "x"}], "samples": -3}',
        "deep.json": "[" * _DEEP + "]" * _DEEP,
        "deep-object.json": '{"a":' * _DEEP + "1" + "}" * _DEEP,
        "twelve-megabytes.json": '{"schema": "tare.spec/1", "note": "' + "x" * 12_000_000 + '"}',
        "long-number.json": '{"schema": "tare.spec/1", "mean": ' + "9" * 100_000 + "}",
        "not-utf8.json": b"\xff\xfe\x00{",
        "zeros.json": bytes(1000),
    }
    return {name: _writer(text) for name, text in texts.items()}


def bad_yaml() -> dict[str, Writer]:
    """Plans and configurations: anchors that multiply, tags that would run code, and what is no mapping."""
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
    texts: dict[str, str | bytes] = {
        "empty.yaml": "",
        "text.yaml": "just a sentence",
        "tabs.yaml": "study:\tdigits\n\tseeds: 3",
        "python-tag.yaml": "study: !!python/object/apply:os.system ['touch tare-was-here']",
        "python-new.yaml": "!!python/object/new:subprocess.Popen [['touch', 'tare-was-here']]",
        "laughs.yaml": bomb + "study: *i\n",
        "self.yaml": "&a [*a]",
        "deep.yaml": "[" * 20_000 + "]" * 20_000,
        "wrong-types.yaml": "study: [digits]\nseeds: many\nsizes: {a: 1}\n",
        "negative.yaml": "study: digits\nseeds: -5\n",
        "infinite.yaml": "study: digits\nmargin: .inf\n",
        "endless-seeds.yaml": "study: digits\nseeds: 999999999999\n",
        "duplicate-sizes.yaml": "study: digits\nsizes: [20, 20]\n",
        "binary.yaml": bytes(range(256)),
    }
    return {name: _writer(text) for name, text in texts.items()}


def bad_weights() -> dict[str, Writer]:
    """Checkpoints that cannot be read, lie about themselves, or would run code."""
    return {
        "empty.safetensors": _writer(b""),
        "header-claims-4gb.safetensors": _writer(struct.pack("<Q", 4 << 30) + b"{}"),
        "header-cut.safetensors": _writer(struct.pack("<Q", 200) + b'{"a": {"dtype": "F32"'),
        "offsets-outside.safetensors": _writer(_safetensors({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 2**40]}})),
        "negative-shape.safetensors": _writer(_safetensors({"a": {"dtype": "F32", "shape": [-4], "data_offsets": [0, 16]}})),
        "overlap.safetensors": _writer(
            _safetensors({name: {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]} for name in "ab"})
        ),
        "unknown-type.safetensors": _writer(_safetensors({"a": {"dtype": "Q7", "shape": [4], "data_offsets": [0, 16]}})),
        "deep.safetensors": _writer(struct.pack("<Q", 40_000) + b"[" * 40_000),
        "other-names.safetensors": _writer(_safetensors({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}})),
        "empty.pth": _writer(b""),
        "text.pth": _writer(b"no weights"),
        "pickle.pth": _writer(b"cos\nsystem\n(S'touch tare-was-here'\ntR."),
        "zip-with-code.pth": _zip_with_code,
        "zip-slip.pth": _zip_slip,
        "truncated.pth": _truncated_pth,
    }


def bad_graphs() -> dict[str, Writer]:
    """ONNX files that are none, or lie."""
    return {
        "empty.onnx": _writer(b""),
        "text.onnx": _writer(b"no graph at all"),
        "zeros.onnx": _writer(bytes(5000)),
        "truncated.onnx": _onnx(lambda data: data[: len(data) // 2]),
        "flipped.onnx": _onnx(lambda data: flipped(data, 30)),
        "endless-varint.onnx": _writer(b"\x3a" + b"\xff" * 2000),
        "nested.onnx": _writer(b"\x3a\x02" * 3000),
    }


def _writer(data: str | bytes) -> Writer:
    raw = data.encode() if isinstance(data, str) else data

    def write(path: Path) -> None:
        path.write_bytes(raw)

    return write


def _safetensors(header: dict[str, object]) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(16)


def _zip_with_code(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02cos\nsystem\nX\x13\x00\x00\x00touch tare-was-here\x85R.")
        archive.writestr("archive/version", b"3\n")


def _zip_slip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../outside/data.pkl", b"\x80\x02}.")
        archive.writestr("/archive/version", b"3\n")


def _truncated_pth(path: Path) -> None:
    import torch

    torch.save({"conv.weight": torch.zeros(8, 3, 3, 3)}, path)
    path.write_bytes(path.read_bytes()[:-500])


def _onnx(change: object) -> Writer:
    def write(path: Path) -> None:
        from onnx import TensorProto, helper

        values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 8, 8]) for name in ("x", "y")]
        half = helper.make_tensor("half", TensorProto.FLOAT, [], [0.5])
        graph = helper.make_graph([helper.make_node("Sub", ["x", "half"], ["y"])], "g", values[:1], values[1:], [half])
        path.write_bytes(change(helper.make_model(graph).SerializeToString()))  # type: ignore[operator]

    return write
