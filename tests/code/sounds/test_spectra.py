"""Constants of spectrograms: as transformers states them, and what they are applied to."""

from __future__ import annotations

import pytest

from tare.code.sounds.spectra import AUDIOSET, measure_of, standardised
from tests.code.interpreted import calls, run


def test_the_constants_are_those_of_transformers() -> None:
    extractor = pytest.importorskip("transformers").ASTFeatureExtractor()
    assert (extractor.mean, extractor.std) == AUDIOSET


@pytest.mark.parametrize(
    ("code", "single"),
    [
        ("(x - (-4.2677393)) / 4.5689974", True),
        ("(x + 4.2677393) / (2 * 4.5689974)", False),
        ("(x + 4.268) / (4.569 * 2)", False),
        ("(x - mean) / (std * 2)", False),
    ],
)
def test_a_standardisation_with_audiosets_constants(code: str, single: bool) -> None:
    log = run(a=f"mean, std = -4.2677393, 4.5689974\nx = f()\ny = {code}").log
    (found,) = [each for call in log if (each := standardised(call)) is not None]
    assert found.is_audioset
    assert found.is_single is single


@pytest.mark.parametrize("code", ["(x - 0.5) / 0.5", "(x - 4.2677393) / 4.5689974", "(x + 4.2677393) / 3"])
def test_other_constants_are_not_audiosets(code: str) -> None:
    found = [each for call in run(a=f"x = f()\ny = {code}").log if (each := standardised(call)) is not None]
    assert [each.is_audioset for each in found] == [False]


@pytest.mark.parametrize(
    ("code", "measure"),
    [
        ("torchaudio.compliance.kaldi.fbank(w)", "ln"),
        ("torch.log(mel(w) + 1e-6)", "ln"),
        ("(mel(w) + 1e-6).log().unsqueeze(0)", "ln"),
        ("db(mel(w))", "db"),
        ("librosa.power_to_db(librosa.feature.melspectrogram(y=w))", "db"),
        ("torch.log10(mel(w)).transpose(0, 1)", "log10"),
        ("mel(w)[0]", "power"),
        ("other(w)", None),
        ("mel(w) * 2", None),
    ],
)
def test_what_a_spectrogram_measures(code: str, measure: str | None) -> None:
    head = (
        "import lib, torch, torchaudio, librosa\nw = lib.w()\nmel = torchaudio.transforms.MelSpectrogram(16000)\n"
        "db = torchaudio.transforms.AmplitudeToDB()\n"
    )
    (shown,) = calls("lib.show", a=f"{head}lib.show({code})")
    assert measure_of(shown.args[0]) == measure
