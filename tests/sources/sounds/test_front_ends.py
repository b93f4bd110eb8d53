"""What is measured of sound against the extractors of transformers themselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile
from scipy.signal import resample_poly

import tare
from tare.errors import DataError
from tare.samples.records import Sample
from tare.samples.sound.front_end import FrontEnd
from tare.sources.opening import open_source
from tare.sources.options import Options
from tare.sources.sounds.front_ends import heard
from tests.images import random_rgb, save_png
from tests.sound_networks import MEAN, STD, ast, low_and_high, tone, wav2vec2
from tests.sources.reading import samples, skipped, state_of

transformers = pytest.importorskip("transformers", reason="computes the front ends (pip install 'tare[hf]')")
AST = FrontEnd.of({"feature_extractor_type": "ASTFeatureExtractor", "num_mel_bins": 16, "max_length": 48}, "here")
WAVEFORM = FrontEnd.of({"feature_extractor_type": "Wav2Vec2FeatureExtractor"}, "here")


def test_values_become_the_extractors_own_input_by_its_own_constants() -> None:
    wave = tone(0, 440)
    extractor = transformers.ASTFeatureExtractor(num_mel_bins=16, max_length=48, mean=MEAN, std=STD)
    own = extractor(wave, sampling_rate=16000, return_tensors="np")["input_values"][0]
    found = heard("a", wave[:, None], 16000, AST)
    assert found.values.shape == (48, 16, 1)
    np.testing.assert_allclose((found.values[..., 0] - MEAN) / (2 * STD), own, atol=1e-6)


def test_a_waveform_becomes_the_extractors_own_input_by_its_own_moments() -> None:
    wave = tone(0, 440)
    own = transformers.Wav2Vec2FeatureExtractor()(wave, sampling_rate=16000, return_tensors="np")["input_values"][0]
    values = heard("a", wave[:, None], 16000, WAVEFORM).values[:, 0]
    np.testing.assert_allclose((values - values.mean()) / np.sqrt(values.var() + 1e-7), own, atol=1e-5)


def test_whispers_frames_come_before_its_bins() -> None:
    front = FrontEnd.of({"feature_extractor_type": "WhisperFeatureExtractor", "chunk_length": 2}, "here")
    own = transformers.WhisperFeatureExtractor(chunk_length=2)(tone(0, 440), sampling_rate=16000, return_tensors="np")
    found = heard("a", tone(0, 440)[:, None], 16000, front)
    np.testing.assert_array_equal(found.values[..., 0], own["input_features"][0].T)


def test_other_rates_and_several_channels_are_converted_and_said() -> None:
    both = np.stack([tone(0, 440, rate=8000), tone(1, 300, rate=8000)], axis=1)
    found = heard("a", both, 8000, WAVEFORM)
    np.testing.assert_allclose(found.values[:, 0], resample_poly(both.astype(float).mean(axis=1), 2, 1), atol=1e-6)
    assert found.notes == ("2 channels averaged", "resampled from 8000 to 16000 Hz")


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_what_follows_the_last_frame_changes_nothing(rate: int) -> None:
    """So a recording of a day costs what its first second costs."""
    long = tone(0, 440, seconds=4.0, rate=rate)[:, None]
    np.testing.assert_array_equal(heard("a", long, rate, AST).values, heard("a", long[: 3 * rate], rate, AST).values)
    whole = transformers.ASTFeatureExtractor(num_mel_bins=16, max_length=48, do_normalize=False)
    if rate == 16000:
        own = whole(long[:, 0], sampling_rate=16000, return_tensors="np")["input_values"][0]
        np.testing.assert_allclose(heard("a", long, rate, AST).values[..., 0], own, atol=1e-6)


def test_both_readers_of_recordings_hear_the_same(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile", reason="reads FLAC (pip install 'tare[audio]')")
    wave = np.int16(tone(0, 440) * 32767)
    wavfile.write(tmp_path / "a.wav", 16000, wave)
    soundfile.write(tmp_path / "a.flac", wave, 16000)
    one, other = (samples(open_source(tmp_path / name, Options(front=AST)))[0] for name in ("a.wav", "a.flac"))
    np.testing.assert_array_equal(one.values, other.values)
    assert one.facts == other.facts


def test_a_long_recording_is_decoded_only_as_far_as_it_is_heard(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile", reason="reads FLAC (pip install 'tare[audio]')")
    with soundfile.SoundFile(tmp_path / "a.flac", "w", 16000, 1) as file:
        for _ in range(60):
            file.write(np.tile(tone(0, 440, seconds=1.0), 10))
    front = Options(front=AST)
    assert isinstance(next(open_source(tmp_path / "a.flac", front).indexed().read(0)), Sample)  # type: ignore[union-attr]
    with soundfile.SoundFile(tmp_path / "b.flac", "w", 16000, 1) as file:
        for _ in range(30):
            file.write(np.tile(tone(0, 440, seconds=1.0), 10))
    assert "cut it into clips" in skipped(open_source(tmp_path / "b.flac", Options(front=WAVEFORM)))[0].reason


def test_a_recording_shorter_than_a_frame_says_so(tmp_path: Path) -> None:
    wavfile.write(tmp_path / "a.wav", 16000, np.ones(20, np.int16))
    assert "refuses 20 values" in skipped(open_source(tmp_path / "a.wav", Options(front=AST)))[0].reason


def test_a_folder_is_heard_alike_by_any_number_of_workers(tmp_path: Path) -> None:
    state_of(open_source(low_and_high(tmp_path), Options(front=AST)))


def test_images_are_no_recordings(tmp_path: Path) -> None:
    save_png(tmp_path / "a.png", random_rgb(0, 8, 8))
    with pytest.raises(DataError, match="expected recordings, which the front end ASTFeatureExtractor takes"):
        open_source(tmp_path, Options(front=AST))


@pytest.mark.parametrize("make", [ast, wav2vec2])
def test_measuring_as_heard_says_which_front_end_and_repeats(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    folder, data = make(tmp_path / "net"), low_and_high(tmp_path / "data", each=3, rate=8000)
    stats = tare.measure(data, as_seen=f"hf:{folder}")
    name = json.loads((folder / "preprocessor_config.json").read_text())["feature_extractor_type"]
    assert stats.extra["as_seen"]["front_end"]["feature_extractor_type"] == name
    assert stats.extra["notes"]["resampled from 8000 to 16000 Hz"] == 6
    assert stats == tare.measure(data, as_seen=folder, workers=3) or stats.extra["as_seen"] != {}
    assert stats.mean == tare.measure(data, as_seen=folder / "preprocessor_config.json", workers=3).mean


def test_constants_measured_as_heard_are_those_that_centre_the_networks_input(tmp_path: Path) -> None:
    """The slip is to divide by std where the extractor divides by 2 std: the printed pair is the one to state to it."""
    folder, data = ast(tmp_path / "net"), low_and_high(tmp_path / "data", each=3)
    stats = tare.measure(data, as_seen=folder)
    extractor = transformers.ASTFeatureExtractor(num_mel_bins=16, max_length=48, mean=stats.mean[0], std=stats.std[0])
    fed = [extractor(wavfile.read(path)[1] / np.float32(32768), sampling_rate=16000, return_tensors="np")["input_values"]
           for path in sorted(data.rglob("*.wav"))]  # fmt: skip
    assert np.mean(fed) == pytest.approx(0.0, abs=1e-5)
    assert np.std(fed) == pytest.approx(0.5, rel=1e-5)


def test_figures_of_two_front_ends_are_not_compared(tmp_path: Path) -> None:
    data = low_and_high(tmp_path / "data", each=4)
    one, other = (tare.measure(data, as_seen=ast(tmp_path / f"net{frames}", frames=frames)) for frames in (48, 64))
    with pytest.raises(DataError, match="expected values of one front end on both sides, found log-mel values of AST"):
        tare.compare(one, other)
    with pytest.raises(DataError, match="and values as stored"):
        tare.compare(one, tare.measure(data))
    assert tare.compare(one, "catalog:audioset").channels
    assert tare.compare(one, one).channels
