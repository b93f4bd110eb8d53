"""The pipelines of the gallery: each is caught with the code of its mistake, and the page shows what is really printed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from benchmarks.gallery import HOME, PHOTOS, ROOT, Example, examples, make_photos, run, section

CODES = {
    "albumentations_max_1": {"TARE001"},
    "albumentations_on_floats": {"TARE002", "TARE032"},
    "caffe_network": {"TARE008"},
    "clip_weights": {"TARE005"},
    "detection_model": {"TARE003"},
    "divided_by_hand": {"TARE002"},
    "divided_if_above_one": {"TARE012"},
    "exported_model": {"TARE003"},
    "hf_processor_on_floats": {"TARE002"},
    "inception_weights": {"TARE005"},
    "keras_efficientnet": {"TARE002", "TARE032"},
    "kinetics_means": {"TARE042"},
    "min_max_of_each_image": {"TARE012"},
    "missing_bracket": {"TARE046"},
    "mnist_constants": {"TARE005", "TARE071"},
    "normalize_before_jitter": {"TARE022"},
    "normalize_before_to_tensor": {"TARE020"},
    "one_stage_only": {"TARE004", "TARE050", "TARE032"},
    "opencv_image": {"TARE008"},
    "random_crop_in_validation": {"TARE024"},
    "raw_constants_after_to_tensor": {"TARE016"},
    "reversed_constants": {"TARE015"},
    "statistics_with_test": {"TARE060"},
    "std_is_mean": {"TARE007"},
    "std_of_each_image": {"TARE009"},
}
NEEDED = {
    "albumentations": ("albumentations",),
    "hf_processor": ("transformers",),
    "keras": ("keras",),
    "caffe": ("keras",),
    "opencv": ("cv2",),
}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gallery") / "photos"
    make_photos(folder)
    return folder


def test_every_file_has_an_example_and_every_example_a_code() -> None:
    files = {path.stem for path in (ROOT / "docs" / "gallery").glob("*.py")} - {PHOTOS.stem}
    assert files == {example.name for example in examples()} == set(CODES)
    assert len(files) >= 10


@pytest.mark.parametrize("example", list(examples()), ids=lambda example: example.name)
def test_an_example_is_caught_and_the_page_shows_what_is_printed(example: Example, photos: Path) -> None:
    for start, modules in NEEDED.items():
        for module in modules if example.name.startswith(start) else ():
            if find_spec(module) is None:  # keras is not to be imported before its backend is chosen
                pytest.skip(f"{module} is not installed")
    code, output = run(example, photos)
    assert code == 1
    assert {word for word in output.replace(";", " ").split() if word.startswith("TARE")} == CODES[example.name]
    assert section(example, output) in HOME.read_text(encoding="utf-8"), "run `python -m benchmarks.gallery`"
