"""Which file an import of a repository names."""

from __future__ import annotations

import pytest

from tare.code.files.document import Document
from tare.code.interpreter.imports import Imports
from tare.code.interpreter.repository import Repository
from tare.code.interpreter.values import Library, ModuleOf, Value


def files(*paths: str, **texts: str) -> list[Document]:
    return [Document(path, "python", "") for path in paths] + [
        Document(f"{name}.py", "python", text) for name, text in texts.items()
    ]


def place(value: Value) -> str:
    assert isinstance(value, ModuleOf | Library)
    return value.path if isinstance(value, ModuleOf) else value.name


@pytest.mark.parametrize(
    ("paths", "named"),
    [
        (("c.py", "c/__init__.py"), "c/__init__.py"),
        (("src/c.py", "src/c/__init__.py"), "src/c/__init__.py"),
        (("c.py", "c/x.py"), "c.py"),
        (("c/x.py",), "c/"),
    ],
)
def test_a_package_stands_before_a_module_and_a_module_before_a_folder(paths: tuple[str, ...], named: str) -> None:
    documents = files(*paths, a="import c")
    assert place(Repository(documents).imported("a.py", "c", 0)) == named
    assert Imports(documents).of("a.py") == ({named} if named.endswith(".py") else set())


def test_a_package_stands_before_a_module_within_a_package() -> None:
    documents = files("p/__init__.py", "p/c.py", "p/c/__init__.py")
    repository = Repository([*documents, Document("p/a.py", "python", "from . import c\nfrom .c import x")])
    assert place(repository.submodule("p/__init__.py", "c")) == "p/c/__init__.py"
    assert place(repository.imported("p/a.py", "c", 1)) == "p/c/__init__.py"
    assert repository.imports.of("p/a.py") == {"p/__init__.py", "p/c/__init__.py"}
