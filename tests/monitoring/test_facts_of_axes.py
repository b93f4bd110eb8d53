"""Data whose samples state other sampling rates, spacings or axes than those of the reference."""

from __future__ import annotations

import json
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest

import tare
from tare.monitoring.reference import Reference
from tare.monitoring.result import Verdict
from tests.signals import save_wav, tone

LENGTH = "nothing is resampled, so the same sound has another length"


def recordings(folder: Path, rate: int, seed: int) -> Path:
    for index in range(24):
        path = save_wav(folder / f"{index:02}.wav", tone(0.4, 200, seed + index))
        data = bytearray(path.read_bytes())
        data[24:28] = struct.pack("<I", rate)
        path.write_bytes(bytes(data))
    return folder


def said(verdict: Verdict) -> list[str]:
    return [note for note in verdict.notes if " differ: " in note]


def test_another_sampling_rate_is_said_whichever_way_the_recordings_come(tmp_path: Path) -> None:
    slow, fast, more = (
        recordings(tmp_path / name, rate, seed) for name, rate, seed in (("a", 8000, 0), ("b", 16000, 50), ("c", 8000, 90))
    )
    known = Reference.of(slow, workers=1)
    assert known.facts == {"sampling rate": ("8000 Hz",)}
    known.save(tmp_path / "reference.json")
    assert Reference.load(tmp_path / "reference.json").facts == known.facts
    with tarfile.open(tmp_path / "b.tar", "w") as file:
        file.add(fast, "x")
    wanted = f"sampling rates differ: 8000 Hz in the reference, 16000 Hz in the data; {LENGTH}"
    for reference in (known, tmp_path / "reference.json", slow):
        assert said(tare.drift(reference, [str(fast)], workers=1)) == [wanted]
        assert said(tare.drift(reference, [str(tmp_path / "b.tar")], workers=1)) == [wanted]
        assert not said(tare.drift(reference, [str(more)], workers=1))
    both = said(tare.drift(known, [str(more), str(fast)], workers=1))
    assert both == [f"sampling rates differ: 8000 Hz in the reference, 8000 Hz, 16000 Hz in the data; {LENGTH}"]


def test_a_reference_of_samples_that_state_nothing_is_written_as_before(tmp_path: Path) -> None:
    arrays = [np.random.default_rng(seed).normal(size=(200, 1)).astype(np.float32) for seed in range(24)]
    known = Reference.of(np.stack(arrays), workers=1)
    assert "facts" not in known.to_json()
    fast = recordings(tmp_path / "fast", 16000, 0)
    earlier = {name: part for name, part in Reference.of(fast, workers=1).to_json().items() if name != "facts"}
    assert not said(tare.drift(Reference.from_json(json.loads(json.dumps(earlier))), [str(fast)], workers=1))


def test_a_run_says_that_recordings_which_arrive_have_another_rate(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    for seed, label in enumerate("xy"):
        recordings(tmp_path / "data" / label, 8000, 100 * seed)
    fast = recordings(tmp_path / "fast", 16000, 500)
    options = {"protocol": "scratch", "strategy": "target", "epochs": 1, "workers": 0, "device": "cpu"}
    run = tare.transfer("tare:cnn1d", tmp_path / "data", out=tmp_path / "run", **options)  # type: ignore[arg-type]
    (told,) = said(tare.drift(run.out, [str(fast)], workers=1))
    assert told == f"sampling rates differ: 8000 Hz in the reference, 16000 Hz in the data; {LENGTH}"


def test_other_voxels_and_axes_are_said(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel")
    for name, affine in (("same", (1, 1, 1)), ("wide", (2, 1, 1)), ("turned", (-1, 1, 1))):
        (tmp_path / name).mkdir()
        for index in range(24):
            values = np.random.default_rng((len(name), index)).normal(100, 9, (5, 6, 7)).astype(np.int16)
            nibabel.save(nibabel.Nifti1Image(values, np.diag([*affine, 1])), tmp_path / name / f"{index}.nii.gz")
    known = Reference.of(tmp_path / "same", workers=1)
    spacings = "spacings differ: 1 x 1 x 1 unknown units in the reference, 2 x 1 x 1 unknown units in the data; nothing is"
    for name, told in (("same", ""), ("wide", spacings), ("turned", "axes differ: RAS in the reference, LAS in the data; ")):
        found = said(tare.drift(known, [str(tmp_path / name)], workers=1))
        assert len(found) == bool(told)
        assert all(note.startswith(told) for note in found)
