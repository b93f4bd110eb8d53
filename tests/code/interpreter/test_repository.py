"""Which file an import of a repository names."""

from __future__ import annotations

import pytest

from tare.code.files.document import Document
from tare.code.files.links import Links
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


def test_a_link_is_the_file_or_folder_to_which_it_leads() -> None:
    documents = files("real/c.py", "real/p/__init__.py", "real/p/d.py", "real/n/e.py")
    links = Links({"c.py": "real/c.py", "lib": "real", "real/q": "real/p", "real/up": ""})
    repository = Repository(
        [*documents, Document("a.py", "python", "import c\nfrom lib.q.d import x\nfrom lib.n import e")], links
    )
    for module, path in {
        "c": "real/c.py",
        "lib.c": "real/c.py",
        "lib.q": "real/p/__init__.py",
        "lib.q.d": "real/p/d.py",
        "lib.up.lib.up.c": "real/c.py",
    }.items():
        assert links.own(place(repository.imported("a.py", module, 0))) == path
    for folder, below, path in (("lib.n", "e", "real/n/e.py"), ("lib.q", "d", "real/p/d.py")):
        package = place(repository.imported("a.py", folder, 0))
        assert links.own(place(repository.submodule(package, below))) == path
    assert repository.imports.of("a.py") == {"real/c.py", "real/p/d.py", "real/n/e.py"}
    assert place(repository.imported("real/c.py", "c", 0)) == "c"  # not itself
