from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tare.errors import SpecError
from tare.system.option_files.config_file import config_text, config_values
from tare.system.options import Configured, option, words


@dataclass(frozen=True, kw_only=True)
class Asked(Configured):
    epochs: int = option(10, "Epochs.", above=0)
    lr: float = option(0.1, "Rate.")
    fast: bool = option(False, "Faster.")
    names: Sequence[str] = option((), "Names.", reads=words, repeats=True)
    data: Any = option(None, "Data.", kind=str | None)
    out: Path | None = option(None, "Where.")


def values(folder: Path, text: str) -> dict[str, Any]:
    path = folder / "a.yaml"
    path.write_text(text)
    return config_values(path, Asked)


def test_values_are_given_as_the_command_line_has_them(tmp_path: Path) -> None:
    found = values(tmp_path, "epochs: 3\nlr: 3e-4\nfast: true\nnames: [a, b]\nout: null\n")
    assert found == {"epochs": "3", "lr": "3e-4", "fast": True, "names": ["a", "b"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch: 3", r"options of this command in .*a\.yaml', found 'epoch'; did you mean epochs"),
        ("config: b.yaml", "options of this command"),
        ("1: 2", "found 1; known are epochs"),
        ("out: {a: 1}", r"text, a number or a list of them for out, found \{'a': 1\}; write it as after --out"),
        ("names: [[a]]", "for names"),
        ("names: []", "for names"),
        ("data: no", "for data, found False"),
        ("fast: 'yes'", "true or false for fast, found 'yes'; write it without quotes"),
    ],
)
def test_what_no_option_can_have_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        values(tmp_path, text)


def test_words_may_be_joined_by_either_sign_but_each_option_stands_once(tmp_path: Path) -> None:
    @dataclass(frozen=True, kw_only=True)
    class More(Asked):
        batch_size: int = option(1, "Samples.")

    path = tmp_path / "a.yaml"
    path.write_text("batch-size: 4\n")
    assert config_values(path, More) == {"batch_size": "4"}
    path.write_text("batch-size: 4\nbatch_size: 5\n")
    with pytest.raises(SpecError, match=r"each option once in .*'batch_size' twice"):
        config_values(path, More)


def test_what_is_written_is_read_as_the_same_and_belongs_to_no_run(tmp_path: Path) -> None:
    asked = Asked(epochs=7, lr=3e-5, fast=True, names=["ä", "b: c"], data="photos/#1", out=Path("run"))
    found = values(tmp_path, config_text(asked))
    assert found == {"epochs": "7", "lr": "3e-05", "fast": True, "names": ["ä", "b: c"], "data": "photos/#1"}


def test_python_has_keywords_and_no_file() -> None:
    with pytest.raises(SpecError, match=r"options as keywords, in Python, found config='a\.yaml'"):
        Asked(config=Path("a.yaml"))


def test_an_object_of_python_is_left_out_with_a_comment(tmp_path: Path) -> None:
    text = config_text(Asked(data=object()))
    assert text.startswith("# data: an object of Python (object), which no file can name\n")
    assert "data" not in values(tmp_path, text)
