from __future__ import annotations

import os
import struct
import threading
import wave
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import numpy as np
import pytest
from numpy.typing import NDArray

import tare
from tare.errors import DataError
from tare.samples.decode import UndecodableError
from tare.samples.sound.wav import decode_wav
from tare.sources.opening import open_source
from tests.encoding import encoded
from tests.images import random_rgb, rgb_folder, save_png
from tests.sources.reading import assert_moments, samples, skipped, state_of

SIGNAL = np.random.default_rng(0).integers(-32768, 32768, (500, 2), dtype=np.int16)


def save_wav(path: Path, signal: NDArray[np.int16]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(signal.shape[1])
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(signal.astype("<i2").tobytes())


def riff(code: int, bits: int, channels: int, data: bytes, extra: bytes = b"") -> bytes:
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", code, channels, 8000, 8000 * block, block, bits) + extra
    body = (
        b"WAVE"
        + b"fmt "
        + struct.pack("<I", len(form))
        + form
        + b"LIST\x03\0\0\0abc\0"
        + b"data"
        + struct.pack("<I", len(data))
        + data
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_recordings_are_signals_scaled_by_half_the_range(tmp_path: Path) -> None:
    for index in range(3):
        save_wav(tmp_path / "ab"[index % 2] / f"{index}.wav", SIGNAL[: 100 * (index + 1)])
    (tmp_path / "notes.txt").write_text("not a recording")
    source = open_source(tmp_path)
    assert [sample.label for sample in samples(source)] == ["a", "a", "b"]
    expected = np.concatenate([SIGNAL[:100], SIGNAL[:200], SIGNAL[:300]])
    assert_moments(state_of(source), expected, scale=1 / 32768)
    assert [item.foreign for item in tare.measure(tmp_path).skipped] == [True]


@pytest.mark.parametrize(("code", "extra"), [(1, b""), (0xFFFE, struct.pack("<HHIH14x", 22, 16, 3, 1))])
def test_wav_with_other_chunks_and_extensible_headers(code: int, extra: bytes) -> None:
    np.testing.assert_array_equal(decode_wav(riff(code, 16, 2, SIGNAL.tobytes(), extra)) * 32768, SIGNAL)


def test_wav_of_every_width() -> None:
    wide = SIGNAL.astype(np.int32) << 16
    packed = b"".join(int(v).to_bytes(3, "little", signed=True) for v in (wide >> 8).ravel())
    np.testing.assert_array_equal(decode_wav(riff(1, 24, 2, packed)), SIGNAL / 32768)
    np.testing.assert_array_equal(decode_wav(riff(1, 32, 2, wide.astype("<i4").tobytes())), SIGNAL / 32768)
    np.testing.assert_array_equal(decode_wav(riff(1, 8, 1, bytes([0, 128, 255])))[:, 0], [-1, 0, 127 / 128])
    for bits in (32, 64):
        values = (SIGNAL / 32768).astype(f"<f{bits // 8}")
        np.testing.assert_array_equal(decode_wav(riff(3, bits, 2, values.tobytes())), values)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (riff(1, 16, 2, SIGNAL.tobytes())[:-3], "cut short"),
        (riff(1, 16, 2, b""), "damaged"),
        (riff(1, 16, 0, b"abcd"), "damaged"),
        (riff(7, 8, 1, b"abcd"), "format 7"),
        (b"RIFF\x04\0\0\0WAVE", "no format"),
    ],
)
def test_a_damaged_recording_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(UndecodableError, match=reason):
        decode_wav(data)


def test_a_list_file_and_a_manifest_name_files_relative_to_themselves(tmp_path: Path) -> None:
    pixels = rgb_folder(tmp_path / "data", 6)
    names = sorted(path.relative_to(tmp_path) for path in (tmp_path / "data").rglob("*.png"))
    (tmp_path / "list.txt").write_text("# a comment\n" + "".join(f"{name}\n" for name in names))
    (tmp_path / "m.csv").write_text("id;Filename;label\n" + "".join(f'{i};"{name}";{i % 2}\n' for i, name in enumerate(names)))
    expected = np.concatenate([image.reshape(-1, 3) for image in pixels])
    assert_moments(state_of(open_source(tmp_path / "list.txt")), expected)
    manifest = open_source(tmp_path / "m.csv")
    assert_moments(state_of(manifest), expected)
    assert [sample.label for sample in samples(manifest)] == list("010101")


def test_files_that_are_listed_more_than_once_are_told(tmp_path: Path) -> None:
    for name in "ab":
        save_png(tmp_path / f"{name}.png", random_rgb(1))
    (tmp_path / "boxes.csv").write_text("path,label,box\na.png,x,1\nb.png,y,2\na.png,x,3\n./a.png,x,4\n")
    (remark,) = tare.measure(tmp_path / "boxes.csv").extra["remarks"]
    assert "2 of 4 entries name a file that was named before, the first" in remark
    assert "a.png': each counts, in training and in validation alike" in remark
    assert open_source(str(tmp_path)).remarks == ()


def test_files_that_a_list_names_in_vain_are_skipped(tmp_path: Path) -> None:
    rgb_folder(tmp_path, 2)
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "list.txt").write_text("a/000.png\nmissing.png\npipe.png\n\n")
    stats = tare.measure(tmp_path / "list.txt", max_skipped=1)
    assert stats.samples == 1
    assert [item.reason for item in sorted(stats.skipped)] == [
        "cannot be opened: No such file or directory",
        "not a regular file but a named pipe",
    ]


def test_an_empty_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("")
    with pytest.raises(DataError, match="at least one path"):
        open_source(tmp_path / "list.txt")


def test_a_single_image_several_images_and_a_pattern(tmp_path: Path) -> None:
    pixels = rgb_folder(tmp_path, 4)
    files = sorted(tmp_path.rglob("*.png"))
    assert_moments(state_of(open_source(files[0])), pixels[0].reshape(-1, 3))
    everything = state_of(open_source(tmp_path))
    assert state_of(open_source(files)) == everything
    assert state_of(open_source(f"{tmp_path}/**/*.png")) == everything


def test_urls_are_read_like_local_paths(tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    images = np.random.default_rng(0).integers(0, 256, (5, 5, 6, 3), dtype=np.uint8)
    for index, image in enumerate(images):
        memory.pipe(f"/here/ab/{index}.png", encoded(image, "PNG"))
    memory.pipe("/there/list.txt", b"memory://here/ab/0.png\nmemory://here/ab/gone.png\n")
    np.save(tmp_path / "a.npy", images)
    memory.pipe("/there/a.npy", (tmp_path / "a.npy").read_bytes())
    source = open_source("memory://here")
    assert {sample.label for sample in samples(source)} == {"ab"}
    for place in ("memory://here", "memory://here/ab/*.png", "memory://there/a.npy", f"file://{tmp_path}/a.npy"):
        assert_moments(state_of(open_source(place)), images.reshape(-1, 3))
    assert tare.measure("memory://there/list.txt", max_skipped=0.6, allow_remote=True).samples == 1


@pytest.mark.parametrize("place", ["nosuch://x/y.npy", "memory://gone/a.npy", "gone.npy", "gone-*.png", "gone"])
def test_what_is_not_there_is_refused_in_one_line(place: str) -> None:
    with pytest.raises(DataError) as caught:
        state_of(open_source(place))
    assert "\n" not in str(caught.value)


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """The address of a server on this machine, and what it was asked for."""
    found: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.append(self.path)
            self.send_response(404)
            self.end_headers()

        do_HEAD = do_GET  # noqa: N815 - as the library calls it

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}/x.png", found
    server.shutdown()


FORMS = (
    "http://{}",
    "simplecache::http://{}",
    "filecache::http://{}",
    "zip://a.png::http://{}",
    "file://{}",
    "http:/{}",
    "data:image/png,{}",
)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["list.txt", "list.csv"])
def test_nothing_is_asked_of_an_address_that_a_list_names(
    tmp_path: Path, asked: tuple[str, list[str]], form: str, kind: str
) -> None:
    place, found = asked
    save_png(tmp_path / "a.png", random_rgb(0))
    head = "path,label\n" if kind.endswith("csv") else ""
    (tmp_path / kind).write_text(f"{head}a.png,x\n{form.format(place)},y\n" if head else f"a.png\n{form.format(place)}\n")
    source = open_source(tmp_path / kind)
    if "://" in form:
        with pytest.raises(DataError, match=r"files, not of addresses, found the address .* allow it with --allow-remote"):
            state_of(source)
    else:
        assert [item.reason for item in skipped(source)] == ["cannot be opened: No such file or directory"]
    assert found == []


@pytest.mark.parametrize("command", [tare.measure, tare.compare])
def test_an_address_in_a_list_is_asked_where_the_user_allows_it(
    tmp_path: Path, asked: tuple[str, list[str]], command: Callable[..., object]
) -> None:
    pytest.importorskip("aiohttp")
    place, found = asked
    save_png(tmp_path / "a.png", random_rgb(0))
    (tmp_path / "list.txt").write_text(f"a.png\nhttp://{place}\n")
    data = [str(tmp_path / "list.txt")] * (2 if command is tare.compare else 1)
    with pytest.raises(DataError, match="--allow-remote"):
        command(*data, max_skipped=1)
    assert found == []
    command(*data, max_skipped=1, allow_remote=True)
    assert found


def test_an_address_that_exists_beside_the_list_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "http:" / "host").mkdir(parents=True)
    save_png(tmp_path / "http:" / "host" / "a.png", random_rgb(0))
    (tmp_path / "list.txt").write_text("http://host/a.png\n")
    assert len(samples(open_source(tmp_path / "list.txt"))) == 1


@pytest.mark.parametrize("text", ['path,label\na.png,x\nb.png,"y\nc.png,z\n', 'path,label\na.png,x\n"b.png,y\nc.png,z\n'])
def test_a_quote_that_is_left_open_in_a_manifest_is_refused_and_swallows_no_lines(tmp_path: Path, text: str) -> None:
    for name in "abc":
        save_png(tmp_path / f"{name}.png", np.zeros((4, 4), np.uint8))
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(DataError, match="quotes that close"):
        tare.measure(tmp_path / "m.csv")
    (tmp_path / "m.csv").write_text('path,label\n"a.png" ,"big" dog\n"b.png","two\nlines"\nc.png,5"\n')
    assert tare.measure(tmp_path / "m.csv").samples == 3
