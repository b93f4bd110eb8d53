from __future__ import annotations

import json
import signal
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

import tare
from tare.errors import DataError
from tare.measuring import checkpoint
from tare.sources.opening import open_source
from tests.images import random_rgb, rgb_folder, save_png

KILLED = """
import os, signal, sys
import tare
from tare.measuring import checkpoint
checkpoint.EVERY = 0.0
done = 0
def kill_later(count):
    global done
    done += count
    if done >= 300:
        os.kill(os.getpid(), signal.{signal})
tare.measure({data!r}, workers=2, checkpoint={file!r}, progress=kill_later)
"""


def interrupted(data: Path, file: Path, name: str) -> int:
    """Measure in another process that ends by a signal after 300 samples; return its exit code."""
    program = KILLED.format(signal=name, data=str(data), file=str(file))
    return subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode  # noqa: S603


class StopError(Exception):
    pass


def stop_after(samples: int) -> Any:
    done = 0

    def progress(count: int) -> None:
        nonlocal done
        done += count
        if done >= samples:
            raise StopError

    return progress


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rgb_folder(tmp_path / "data", 400)
    (tmp_path / "data" / "a" / "0bad.png").write_bytes(b"")
    return tmp_path / "data"


@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
def test_a_killed_pass_is_taken_up_and_gives_the_same_statistics(folder: Path, tmp_path: Path, name: str) -> None:
    file = tmp_path / "pass.json"
    assert interrupted(folder, file, name) != 0
    assert 0 < json.loads(file.read_text())["chunks"] < 7
    counted: list[int] = []
    taken_up = tare.measure(folder, checkpoint=file, workers=1, progress=counted.append)
    assert counted[0] >= 64
    assert sum(counted) == 401
    assert taken_up == tare.measure(folder)
    assert not file.exists()
    assert signal.Signals[name]


def test_a_pass_that_completes_leaves_no_file(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    assert tare.measure(folder, checkpoint=tmp_path / "pass.json") == tare.measure(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_pass_whose_result_is_refused_is_kept_and_what_allows_it_reads_nothing_anew(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "pass.json"
    with pytest.raises(DataError, match=r"at most 0\.00% unreadable samples, found 1 of 401 .* allow more with --max-skipped"):
        tare.measure(folder, checkpoint=file, max_skipped=0)
    counted: list[int] = []
    allowed = tare.measure(folder, checkpoint=file, max_skipped=0.01, progress=counted.append)
    assert (allowed, counted) == (tare.measure(folder), [401])
    assert not file.exists()


def half_done(data: Any, file: Path, samples: int = 100, **options: Any) -> None:
    with pytest.raises(StopError):
        tare.measure(data, checkpoint=file, progress=stop_after(samples), **options)
    assert file.exists()


def frame(values: NDArray[Any]) -> Any:
    return pl.DataFrame({"a": values[:, 0], "b": values[:, 1]})


def batches(values: NDArray[Any]) -> Any:
    torch = pytest.importorskip("torch")
    return torch.utils.data.TensorDataset(torch.from_numpy(values.reshape(-1, 1, 100, 100)))


def dataset(values: NDArray[Any]) -> Any:
    datasets = pytest.importorskip("datasets", reason="makes a Dataset (pip install 'tare[hf]')")
    return datasets.Dataset.from_dict({"a": values[:, 0].tolist(), "b": values[:, 1].tolist()})


@pytest.mark.parametrize("made", [np.asarray, frame, batches, dataset])
def test_objects_that_changed_behind_their_first_chunk_are_other_data(tmp_path: Path, made: Any) -> None:
    values = np.random.default_rng(0).normal(size=(1_500_000, 2))
    file, before = tmp_path / "pass.json", made(values.copy())
    source = open_source(before)
    first = source.chunk_length(next(iter(source.chunks())))
    half_done(before, file, first + 1)
    kept = file.read_bytes()
    assert json.loads(kept)["chunks"] > 1
    assert tare.measure(before, checkpoint=file, workers=1) == tare.measure(before, workers=1)
    file.write_bytes(kept)
    values[first * (5000 if made is batches else 1)] = 50  # in the second chunk
    with pytest.raises(DataError, match=r"a checkpoint (of other values|with a different value of 'fingerprint')"):
        tare.measure(made(values), checkpoint=file, workers=1)


def test_arrays_and_tables_are_taken_up_too(tmp_path: Path) -> None:
    file = tmp_path / "pass.json"
    array = np.random.default_rng(0).normal(size=(3_000_000, 1))
    half_done(array, file)
    assert tare.measure(array, checkpoint=file) == tare.measure(array)
    table = tmp_path / "t.csv"
    np.savetxt(table, np.random.default_rng(0).integers(0, 9, (400_000, 8)), fmt="%d.123", delimiter=",")
    half_done(table, file)
    assert tare.measure(table, checkpoint=file) == tare.measure(table)


def test_other_data_or_options_are_refused(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "pass.json"
    half_done(folder, file)
    with pytest.raises(
        DataError, match=r"found a checkpoint with a different value of .source.*remove it to start again, or name another"
    ):
        tare.measure(folder / "a", checkpoint=file)
    with pytest.raises(DataError, match="found a checkpoint with a different value of 'options'"):
        tare.measure(folder, checkpoint=file, channels="grey")
    with pytest.raises(DataError, match="found a checkpoint with a different value of 'options'"):
        tare.measure(folder, checkpoint=file, as_seen=8)
    save_png(folder / "a" / "000b.png", random_rgb(1))
    with pytest.raises(DataError, match=r"found a checkpoint of other (values|files or samples)"):
        tare.measure(folder, checkpoint=file)


@pytest.mark.parametrize("number", [[], ["0x5087b", 10**9], ["0x1", -(10**9)]])
def test_a_damaged_sum_is_refused_at_once_and_kept(folder: Path, tmp_path: Path, number: Any) -> None:
    file = tmp_path / "pass.json"
    half_done(folder, file)
    document = json.loads(file.read_text())
    document["state"]["groups"][0]["channels"][0]["moments"]["cross_nn"] = number
    file.write_text(json.dumps(document))
    with pytest.raises(DataError, match=r"a damaged one \(ValueError: .*pass\.json'; remove it to start again"):
        tare.measure(folder, checkpoint=file)
    assert json.loads(file.read_text()) == document


@pytest.mark.parametrize("form", ["images", "parquet"])
def test_a_file_that_was_rewritten_since_it_was_covered_is_refused(folder: Path, tmp_path: Path, form: str) -> None:
    file, data = tmp_path / "pass.json", folder
    if form == "images":
        half_done(data, file)
        changed = sorted((data / "a").iterdir())[70]  # in the second chunk
        save_png(changed, random_rgb(1))
    else:
        import pyarrow as pa
        from pyarrow import parquet

        data = tmp_path / "a.parquet"
        values = np.arange(400_000) % 7.0
        parquet.write_table(pa.table({"a": values}), data, row_group_size=1000)
        half_done(data, file)
        values[270_000] = 99
        parquet.write_table(pa.table({"a": values}), data, row_group_size=1000)
    with pytest.raises(DataError, match="found a checkpoint of other files or samples"):
        tare.measure(data, checkpoint=file)


def masked(form: str, root: Path) -> tuple[Any, Any, list[Path]]:
    """200 images with a mask each: what to measure, what to state as ``mask``, and the masks."""
    where = root / "data" if form == "ending" else root / "masks"
    masks = [where / f"{k:03}{'_mask' if form == 'ending' else ''}.png" for k in range(200)]
    for k, place in enumerate(masks):
        save_png(place, np.ones((3, 4), np.uint8))
        save_png(root / "data" / f"{k:03}.png", random_rgb(k, 3, 4))
    images = [root / "data" / f"{k:03}.png" for k in range(200)]
    if form == "ending":
        (root / "data" / "!").touch()  # so that an image and its mask are in two chunks
        return root / "data", "_mask.png", masks
    if form == "tar":
        with tarfile.open(root / "a.tar", "w") as archive:
            for image in images:
                archive.add(image, image.name)
        return root / "a.tar", where, masks
    if form == "table":
        cells = [{"bytes": image.read_bytes(), "path": image.name} for image in images]
        pl.DataFrame({"image": cells}).write_parquet(root / "a.parquet", row_group_size=64)
        return root / "a.parquet", where, masks
    return root / "data", where, masks


@pytest.mark.parametrize("form", ["folder", "ending", "tar", "table"])
def test_a_mask_that_was_rewritten_since_it_was_covered_is_refused(tmp_path: Path, form: str) -> None:
    data, mask, masks = masked(form, tmp_path)
    half_done(data, tmp_path / "pass.json", mask=mask)
    document = (tmp_path / "pass.json").read_text()
    if form != "table":  # whose chunks name no samples, so that every mask counts
        save_png(masks[190], np.eye(3, 4, dtype=np.uint8))
        found = tare.measure(data, mask=mask, checkpoint=tmp_path / "pass.json")
        assert found == tare.measure(data, mask=mask)
        (tmp_path / "pass.json").write_text(document)
    save_png(masks[63 if form == "ending" else 120], np.eye(3, 4, dtype=np.uint8))
    with pytest.raises(DataError, match="found a checkpoint of other files or samples"):
        tare.measure(data, mask=mask, checkpoint=tmp_path / "pass.json")


def test_changed_values_and_missing_samples_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "pass.json"
    array = np.random.default_rng(0).normal(size=(3_000_000, 1))
    half_done(array, file)
    with pytest.raises(DataError, match="found a checkpoint of other values"):
        tare.measure(array + 1, checkpoint=file)
    document = json.loads(file.read_text())
    file.write_text(json.dumps({**document, "chunks": 99}))
    with pytest.raises(DataError, match="found a checkpoint of more data"):
        tare.measure(array, checkpoint=file)
    file.write_text(json.dumps({**document, "version": "0.0.0"}))
    with pytest.raises(DataError, match=r"found a checkpoint with a different value of .version.: '0\.0\.0'"):
        tare.measure(array, checkpoint=file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a readable checkpoint"),
        ("[]", "a checkpoint with schema 'tare.checkpoint/1', found 'list'"),
        ('{"schema": "tare.checkpoint/2"}', "found 'tare.checkpoint/2'"),
        ('{"schema": "tare.checkpoint/1", "chunks": 2}', "a complete checkpoint"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused_and_kept(folder: Path, tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "pass.json"
    file.write_text(text)
    with pytest.raises(DataError, match=message):
        tare.measure(folder, checkpoint=file)
    assert file.read_text() == text
