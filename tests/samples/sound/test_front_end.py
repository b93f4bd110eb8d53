from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.errors import SpecError
from tare.samples.sound.front_end import NAMES, FrontEnd

AST = {"feature_extractor_type": "ASTFeatureExtractor", "mean": -4.27, "std": 4.57, "num_mel_bins": 64, "max_length": 512}


def test_it_keeps_what_its_values_depend_on_and_nothing_else() -> None:
    front = FrontEnd.of(AST, "here")
    assert front == FrontEnd.of({**AST, "mean": 0.0, "std": 1.0, "do_normalize": False}, "there")
    assert (front.rate, front.size) == (16000, (512, 64))
    assert front.units == "log-mel values of ASTFeatureExtractor (16000 Hz, 64 bins, 512 frames)"


def test_what_a_file_leaves_out_is_the_default_of_the_class() -> None:
    transformers = pytest.importorskip("transformers", reason="has the classes (pip install 'tare[hf]')")
    for name in NAMES:
        own = getattr(transformers, name)().to_dict()
        front = FrontEnd.of({"feature_extractor_type": name}, "here")
        assert {key: own[key] for key, _ in front.settings} == dict(front.settings)


@given(
    st.sampled_from(NAMES),
    st.dictionaries(st.sampled_from(["max_length", "num_mel_bins", "feature_size", "hop_length", "n_fft"]), st.integers(1, 1024)),
)
def test_a_front_end_is_what_its_json_says(name: str, settings: dict[str, int]) -> None:
    front = FrontEnd.of({"feature_extractor_type": name, **settings}, "here")
    assert FrontEnd.of(front.to_json(), "there") == front


@pytest.mark.parametrize(
    ("key", "value"),
    [("max_length", 10**12), ("num_mel_bins", 0), ("sampling_rate", -1), ("max_length", "long"), ("num_mel_bins", True),
     ("sampling_rate", float("nan")), ("max_length", 10.5)],
)  # fmt: skip
def test_a_setting_that_no_network_has_is_refused(key: str, value: Any) -> None:
    with pytest.raises(SpecError, match=f"as '{key}' in here"):
        FrontEnd.of({**AST, key: value}, "here")


@pytest.mark.parametrize("name", ["ViTImageProcessor", "os.system", None, 3])
def test_another_extractor_is_refused_by_name(name: Any) -> None:
    with pytest.raises(SpecError, match="a feature extractor of sound"):
        FrontEnd.of({"feature_extractor_type": name}, "here")
