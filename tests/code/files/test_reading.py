"""Documents of paths: every bad file is named once, with its reason, and never stops the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tare.code.configurations import named_in, stated_in
from tare.code.files.configuration.reading import configuration
from tare.code.files.configuration.value import Configuration
from tare.code.files.document import Found, Skipped
from tare.code.files.reading import document_at, document_of, documents_in
from tare.code.interpreter.source import Source, parsed

NO_PYTHON = f"it is not Python {sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def paths(found: Found) -> list[str]:
    return [document.path for document in found.documents]


def test_files_become_documents() -> None:
    Path("a.py").write_text("x = 1  # tare: ignore[TARE001]\n")
    Path("b.yaml").write_text("mean: 0.5  # tare: ignore\n")
    Path("c.ipynb").write_text(json.dumps({"cells": [{"cell_type": "code", "source": "y = 2 # tare: ignore"}]}))
    found = documents_in([Path()])
    assert [(each.path, each.kind, each.text) for each in found.documents] == [
        ("a.py", "python", "x = 1  # tare: ignore[TARE001]\n"),
        ("b.yaml", "configuration", "mean: 0.5  # tare: ignore\n"),
        ("c.ipynb", "notebook", "y = 2 # tare: ignore\n"),
    ]
    assert [dict(each.ignores) for each in found.documents] == [{1: {"TARE001"}}, {1: frozenset()}, {1: frozenset()}]
    assert found.skipped == ()


@pytest.mark.parametrize(
    "text",
    [
        "img_mean: 1",
        "pixel_std: 1",
        "rgb_means: 1",
        "normalize: true",
        "do_rescale: 1",
        "image_size: 1",
        "pixelMean: 1",
        "transform: 1",
        "defaults:\n  - data: imagenet",
        "model:\n  name: vit",
        '{"arch": "vit"}',
        "model_name = 'vit'",
    ],
)
def test_configurations_with_a_word_of_preprocessing_are_read(text: str) -> None:
    Path("a.yaml").write_text(text)
    assert paths(documents_in([Path()])) == ["a.yaml"]


def test_a_group_of_networks_is_read() -> None:
    Path("conf/model").mkdir(parents=True)
    Path("conf/model/a.yaml").write_text("name: vit_base_patch16_224")
    assert paths(documents_in([Path()])) == ["conf/model/a.yaml"]


@pytest.mark.parametrize(
    "text", ["lr: 0.1", "meaning: 1", "standard: 1", "demeanour: 1", "models_seen: 1", "networks: 1", "\xff"]
)
def test_other_configurations_are_read_only_if_they_are_named(text: str) -> None:
    Path("a.yaml").write_text(text, encoding="utf-8")
    assert documents_in([Path()]) == Found(())
    assert paths(documents_in([Path("a.yaml")])) == ["a.yaml"]


def test_a_named_file_of_another_kind_is_read_as_python() -> None:
    Path("train").write_text("#!/usr/bin/env python\nx = 1\n")
    document, skipped = document_at("train", named=True)
    assert document is not None
    assert (document.kind, skipped) == ("python", None)


def hostile(folder: Path) -> dict[str, str]:
    """Bad files below a folder, and how the reason begins for which each is skipped."""
    cases: dict[str, tuple[bytes, str]] = {
        "large.py": (b"x = 1\n" * 2_000_000, "it has 12,000,000 bytes"),
        "much.py": (b"x = 1\n" * 400_000, "it has 2,400,000 characters of code"),
        "deep.py": (b"x = " + b"-" * 10_000 + b"1", "its expressions are nested too deeply"),
        "chain.py": (b"x = 1" + b" + 1" * 10_000, "its expressions are nested too deeply"),
        "parentheses.py": (b"x = " + b"(" * 10_000, "line 1: its expressions are nested too deeply"),
        "syntax.py": (b"def f(:\n", f"line 1: {NO_PYTHON}"),
        "two.py": (b"print 'x'\n", "line 1: it is Python 2"),
        "compiled.py": (b"\xa7\r\r\n\0\0\0\0\xe3\0", "it is not utf-8"),
        "nul.py": (b"x = 1\0", "it has NUL bytes"),
        "latin.py": (b"x = '\xe9'\n", "it is not utf-8"),
        "codec.py": (b"# coding: nothing\n", "its encoding"),
        "utf16.yaml": ("mean: [0.5]".encode("utf-16"), "it is not utf-8"),
        "wide.json": (b"\0\0\xfe\xff" + '{"a": 1}'.encode("utf-32-be"), "it is not utf-8"),
        "utf16.py": ("x = 1".encode("utf-16"), "it is not utf-8"),
        "line\n::error::break.py": (b"x = = 1\n", f"line 1: {NO_PYTHON}"),
        "pointer.ipynb": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "it is a pointer of Git LFS"),
        "text.ipynb": (b"no json", "it is no notebook"),
        "half.ipynb": (b'{"cells": [{"cell_', "it is no notebook"),
        "julia.ipynb": (b'{"cells": [], "metadata": {"kernelspec": {"language": "julia"}}}', "it is a notebook in julia"),
        "deep.ipynb": (b"[" * 100_000, "it is no notebook"),
    }
    for name, (data, _) in cases.items():
        (folder / name).write_bytes(data)
    (folder / "loop").symlink_to(folder)
    (folder / "self.py").symlink_to("self.py")
    os.mkfifo(folder / "fifo.py")
    reasons = {name: reason for name, (_, reason) in cases.items()}
    return {**reasons, "self.py": "it is a link that leads nowhere", "fifo.py": "it is no regular file"}


def test_every_bad_file_is_named_once_and_the_good_one_is_read(here: Path) -> None:
    wanted = hostile(here)
    Path("good.py").write_text("x = 1\n")
    found = documents_in([Path()])
    trees = [parsed(document) for document in found.documents]
    skipped = [*found.skipped, *(tree for tree in trees if isinstance(tree, Skipped))]
    assert sum(isinstance(tree, Source) for tree in trees) == 1
    assert sorted(each.path for each in skipped) == sorted(wanted)
    for each in skipped:
        assert each.reason.startswith(wanted[each.path]), each
        assert "\n" not in each.reason


def test_a_notebook_with_a_broken_cell_is_read_and_named() -> None:
    cells = [{"cell_type": "code", "source": source} for source in ("x = 1", "x = = 1")]
    Path("a.ipynb").write_text(json.dumps({"cells": cells}))
    found = documents_in([Path()])
    assert paths(found) == ["a.ipynb"]
    assert found.skipped == (Skipped("a.ipynb", f"cell 2 left out: line 1: {NO_PYTHON}: invalid syntax"),)


def test_reading_loads_no_heavy_library() -> None:
    program = (
        "import sys, tare.code.files.reading, tare.code.files.parsing, tare.code.files.configuration.reading;"
        "print([name for name in ('numpy', 'torch', 'timm', 'yaml', 'pathspec', 'typer') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "[]"


PIECES = [
    "mean: ",
    "[0.485, 0.456]",
    "&a ",
    "*a",
    "\n",
    "  ",
    "- ",
    "{",
    "}",
    "<<: ",
    '"',
    "'",
    "!!python/tuple ",
    "# tare: ignore[X]",
    "%%bash\n",
]
PIECES += [
    '{"cells": [{"cell_type": "code", "source": "',
    '"}]}',
    "!ls\n",
    "x = (",
    ")",
    "print 'x'\n",
    "# coding: latin-1\n",
    "\\",
    "\0",
    "'''",
    "[[a]]",
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["a.py", "a.ipynb", "a.yaml", "a.json", "a.toml"]),
    st.binary(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=12).map(lambda parts: "".join(parts).encode()),
)
def test_any_bytes_are_read_or_skipped(name: str, data: bytes) -> None:
    document, skipped = document_of(name, data, named=True)
    assert document is not None or skipped is not None
    if document is None:
        return
    result = configuration(document) if document.kind == "configuration" else parsed(document)
    if isinstance(result, Configuration):
        assert all(value.place.path == name for _, value in result.root.walk())
        stated_in(result)
        named_in(result)
    if document.kind == "notebook":
        assert isinstance(result, Source)  # broken cells were left out
