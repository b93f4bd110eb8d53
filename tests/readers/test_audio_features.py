"""Audio feature extractors: AST's doubled std, and those that look at each recording."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tare.errors import SpecError
from tare.input_spec.spec import Known, Unknown
from tare.readers.audio_features import is_audio, read_audio_document

AST: dict[str, Any] = {
    "do_normalize": True,
    "feature_extractor_type": "ASTFeatureExtractor",
    "feature_size": 1,
    "max_length": 1024,
    "mean": -4.2677393,
    "num_mel_bins": 128,
    "sampling_rate": 16000,
    "std": 4.5689974,
}


def test_ast_divides_by_twice_the_std() -> None:
    transformers = pytest.importorskip("transformers", reason="compares with transformers' own extractor")
    spec = read_audio_document(AST, "preprocessor_config.json")
    values = np.linspace(-12, 6, 5)
    extractor = transformers.ASTFeatureExtractor(mean=AST["mean"], std=AST["std"])
    assert np.allclose(spec.affine().apply(values[:, None])[:, 0], extractor.normalize(values))
    assert spec.size == Known((1024, 128), "preprocessor_config.json, keys 'max_length' and 'num_mel_bins'")
    assert read_audio_document(extractor.to_dict(), "the extractor").equivalent(spec)


def test_without_normalising_values_stay() -> None:
    spec = read_audio_document(AST | {"do_normalize": False}, "a")
    assert spec.affine().apply(np.array([[3.0]])) == 3.0


@pytest.mark.parametrize("name", ["Wav2Vec2", "SeamlessM4T", "Speech2Text", "Whisper"])
def test_what_depends_on_the_recording_is_unknown(name: str) -> None:
    document = {"feature_extractor_type": f"{name}FeatureExtractor"}
    assert is_audio(document)
    mean = read_audio_document(document, "a").mean
    assert isinstance(mean, Unknown)
    assert "its own" in mean.reason


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"std": 0.0}, "expected a valid 'std'"),
        ({"mean": "loud"}, "expected a number 'mean'"),
        ({"do_normalize": "yes"}, "expected true or false"),
        ({"max_length": -3}, "expected a valid 'size'"),
    ],
)
def test_malformed_configurations_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        read_audio_document(AST | changes, "a")


def test_read_spec_finds_the_reader() -> None:
    from tare.readers.table import read_spec

    assert read_spec(AST).require("std") == (2 * 4.5689974,)
