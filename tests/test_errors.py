from __future__ import annotations

import pickle

import pytest

from tare import errors
from tare.errors import DataError, MissingDependencyError, TareError, reason_of
from tare.system.optional import require


def test_a_message_states_the_invariant_what_was_found_and_the_remedy() -> None:
    error = DataError("a folder", "'x' is a file", "name the folder")
    assert str(error) == "expected a folder, found 'x' is a file; name the folder"
    assert (error.expected, error.found, error.remedy) == ("a folder", "'x' is a file", "name the folder")


def test_every_error_of_the_package_has_one_root() -> None:
    classes = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert len(classes) > 5
    assert all(issubclass(value, TareError | Warning) for value in classes)


def test_an_error_survives_the_way_between_processes() -> None:
    error = pickle.loads(pickle.dumps(DataError("a", "b", "c")))  # noqa: S301 - our own bytes
    assert type(error) is DataError
    assert str(error) == "expected a, found b; c"


def test_a_reason_is_one_line_that_is_cut_where_it_is_asked_to_be() -> None:
    error = ValueError("  two\n lines \t" + "x" * 200)
    assert reason_of(error) == ("two lines " + "x" * 150)
    assert reason_of(error, 9) == "two lines"
    assert reason_of(error, None) == "two lines " + "x" * 200
    assert reason_of(ValueError()) == ""


def test_a_missing_package_names_the_extra_that_brings_it() -> None:
    with pytest.raises(
        MissingDependencyError, match=r"the package 'no_such_package' for reading X, found .*pip install 'tare\[hf\]'"
    ):
        require("no_such_package", extra="hf", purpose="reading X")


def test_a_package_that_is_there_is_returned() -> None:
    assert require("json", extra="hf", purpose="nothing").__name__ == "json"


def test_a_broken_dependency_of_a_package_is_not_hidden(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    (tmp_path / "half_installed.py").write_text("import its_missing_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="its_missing_dependency"):
        require("half_installed", extra="hf", purpose="nothing")
