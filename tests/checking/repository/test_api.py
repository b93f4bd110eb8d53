"""What is judged, and what is named because it was not."""

from __future__ import annotations

import time

import pytest

from tare.checking.repository.api import judged
from tare.checking.repository.result import DEEP
from tare.code.files.document import Document, Skipped


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.yaml", "mean: [1, 2\nstd: }"),
        ("a.yaml", "mean: " + "[" * 10_000 + "]" * 10_000),
        ("a.json", '{"mean": [1, 2'),
        ("a.json", '{"mean": ' + "[" * 100_000 + "]" * 100_000 + "}"),
        ("a.toml", "mean = "),
        ("a.toml", "mean = " + "[" * 5000 + "]" * 5000),
    ],
)
def test_a_configuration_that_is_none_is_named_once(path: str, text: str) -> None:
    found = judged([Document(path, "configuration", text)])
    assert [each.path for each in found.skipped] == [path]
    assert "\n" not in found.skipped[0].reason


@pytest.mark.parametrize("beside", ["", "from torchvision import transforms\nt = transforms.Normalize([0.5], [0.5])\n"])
@pytest.mark.parametrize(("path", "text"), [("b.py", "def (:"), ("tests/test_b.py", "def test_(:"), ("b.py", "print 'x'")])
def test_a_file_with_a_syntax_error_is_named_whatever_it_says(path: str, text: str, beside: str) -> None:
    found = judged([Document("a.py", "python", beside), Document(path, "python", text)])
    assert [each.path for each in found.skipped] == [path]


def test_files_without_a_word_are_not_all_parsed_where_there_are_very_many() -> None:
    started = time.process_time()
    found = judged([Document(f"{each}.py", "python", "x = [1, 2, 3]\n" * 5000) for each in range(100)])
    assert found.skipped == []
    assert time.process_time() - started < 5


def test_a_configuration_that_is_one_is_judged() -> None:
    text = "mean: [0.485, 0.456, 0.406]\nstd: [0.229, 0.224, 0.255]\n"
    found = judged([Document("a.yaml", "configuration", text)])
    assert ([each.code for each in found.findings], found.skipped) == (["TARE100"], [])


@pytest.mark.parametrize(
    "text",
    [
        "t = " + "transforms.Compose([" * 70 + "Normalize()" + "])" * 70,
        "x = 1\nif a == 0: pass\n" + "".join(f"elif a == {each}: pass\n" for each in range(100)),
    ],
    ids=["an expression", "elif"],
)
def test_what_is_too_deep_to_follow_is_named(text: str) -> None:
    found = judged([Document("a.py", "python", f"from torchvision import transforms\n{text}\n")])
    assert found.skipped == [Skipped("a.py", DEEP)]


_BEGINNING = (
    "from torchvision import transforms\nfrom keras.preprocessing.image import ImageDataGenerator\n"
    "ImageDataGenerator(featurewise_center=True).flow(x)\n"
)
_WORDS = ("std=-", "std=x-mea", "std", "val=-mean/", "val", "gen", "import ")


@pytest.mark.parametrize(
    "text",
    [*(f"# {word * (100_000 // len(word))}" for word in _WORDS), '"""\n' + "from a import (\n" * 20_000 + '"""'],
    ids=[*_WORDS, "from a import ("],
)
def test_the_time_grows_with_a_text_and_not_with_its_square(text: str) -> None:
    before = time.process_time()
    judged([Document("a.py", "python", f"{_BEGINNING}{text}\n")])
    assert time.process_time() - before < 3
