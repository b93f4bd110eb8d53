from __future__ import annotations

from pathlib import Path

import pytest

from tare.errors import SpecError
from tare.studying.tasks.function import load, reference_of, text_digest


def file(folder: Path, text: str, name: str = "own.py") -> str:
    path = folder / name
    path.write_text(text)
    return f"{path}:score"


def test_a_function_gets_the_parameters_that_it_names(tmp_path: Path) -> None:
    function, asked = load(file(tmp_path, "def score(mean, std, *, train, steps=3, seed=9, **others): return 1.0"))
    assert asked == ("mean", "std", "train", "seed")
    assert function(mean=(), std=(), train=()) == 1.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("score = 3", "a function .*, found a int; define it with def"),
        ("def score(normalizer): ...", "'normalizer'; did you mean normaliser"),
        ("def score(mean, std, data): ...", "parameters among normaliser, spec.*found 'data'; rename it, or give it a default"),
        ("def score(mean, /): ...", "found 'mean'"),
        ("def score(train, seed): ...", "asks for the normalisation, found train, seed; add normaliser, or mean and std"),
        ("def score(): ...", "asks for the normalisation, found no parameter"),
        ("def scores(mean): ...", "'score' in .*did you mean scores"),
        ("import no_such_module", "to import, found ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(0)", "to import, found SystemExit"),
        ("def score(mean:", "to import, found SyntaxError"),
    ],
)
def test_what_cannot_be_called_is_refused_before_any_trial(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        load(file(tmp_path, text))


def test_a_name_that_is_no_reference_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"FILE.py:NAME or package.module:NAME, found 'score'; for example score.py:score"):
        load("score")
    with pytest.raises(SpecError, match=r"a Python file, found .*none.py' does not exist"):
        load(f"{tmp_path / 'none.py'}:score")


def test_results_belong_to_the_code_and_to_the_files_beside_it_that_it_imports(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("import deeper\nN = 1\n")
    (tmp_path / "deeper.py").write_text("M = 1\n")
    (tmp_path / "stranger.py").write_text("K = 1\n")
    text = "def score(mean):\n    import beside\n    return beside.N\n"
    reference = file(tmp_path, text)
    first = text_digest(reference)
    file(tmp_path, "# a comment\n" + text.replace("beside.N", "( beside.N )"))
    (tmp_path / "stranger.py").write_text("K = 2\n")
    assert text_digest(reference) == first
    (tmp_path / "deeper.py").write_text("M = 2\n")
    assert text_digest(reference) != first
    (tmp_path / "deeper.py").write_text("M = 1\n")
    file(tmp_path, text.replace("beside.N", "beside.N + 1"))
    assert text_digest(reference) != first


def score(mean: tuple[float, ...]) -> float:
    return mean[0]


def test_a_function_of_a_file_is_named_so_that_other_processes_find_it() -> None:
    reference = reference_of(score)
    assert reference == f"{__file__}:score"
    assert reference_of(reference) == reference


def test_functions_that_no_other_process_could_import_are_refused(tmp_path: Path) -> None:
    def within(mean: tuple[float, ...]) -> float:
        return mean[0]

    for hidden in (within, lambda mean: mean[0], max):
        with pytest.raises(SpecError, match="at the top level of a file, which other processes can import"):
            reference_of(hidden)
    program = tmp_path / "program.py"
    program.write_text("def own(mean): return 1.0\n")
    names: dict[str, object] = {"__name__": "__main__"}
    exec(compile(program.read_text(), str(program), "exec"), names)  # noqa: S102 - our own text
    with pytest.raises(SpecError, match="under if __name__ == '__main__'"):
        reference_of(names["own"])
    program.write_text("def own(mean): return 1.0\nif __name__ == '__main__': pass\n")
    assert reference_of(names["own"]) == f"{program}:own"
