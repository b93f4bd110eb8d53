"""Which files of a repository import which, as their import statements say, and the groups of files that this connects."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from tare.code.files.document import Document
from tare.code.files.links import NO_LINKS, Links

_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\((?:[^()#]++|#[^\n]*+)*+\)|[^\n#]+)|import[ \t]+([^\n#]+))", re.MULTILINE
)
_WORD = re.compile(r"[\w.]+")


class Imports:
    """The imports between files of code, read from their text when somebody asks."""

    def __init__(self, documents: Sequence[Document], links: Links = NO_LINKS) -> None:
        self._links = links
        self._documents = {each.path: each for each in documents if each.kind != "configuration"}
        self._stems = {part for path in (*self._documents, *links.targets) for part in path.removesuffix(".py").split("/")}
        self._of: dict[str, frozenset[str]] = {}
        self._found: dict[tuple[str, str], str | None] = {}

    def of(self, path: str) -> frozenset[str]:
        """The files that the import statements of a file name, as the interpreter looks for them."""
        if path not in self._of:
            self._of[path] = frozenset(self._named(self._documents[path]))
        return self._of[path]

    def groups(self, chosen: Sequence[str]) -> list[list[str]]:
        """The chosen files, those together that imports connect in any direction, over files that are not chosen, too."""
        roots = {path: path for path in chosen}
        left = list(chosen)
        while left:
            path = left.pop()
            for other in self.of(path):
                if other not in roots:
                    roots[other] = other
                    left.append(other)
                roots[_root(roots, other)] = _root(roots, path)
        found: dict[str, list[str]] = {}
        for path in chosen:
            found.setdefault(_root(roots, path), []).append(path)
        return list(found.values())

    def _named(self, document: Document) -> Iterator[str]:
        folder = posixpath.dirname(document.path)
        for module, names, modules in _IMPORT.findall(document.text):
            if module and self._may_be_here(module):
                yield from self._files(folder, module)
                for name in _WORD.findall(names):
                    yield from self._files(folder, f"{module}{'' if module.endswith('.') else '.'}{name}")
            for each in _WORD.findall(modules):
                if self._may_be_here(each):
                    yield from self._files(folder, each)

    def _may_be_here(self, module: str) -> bool:
        """Whether any file or folder has the first name of a module: that of a library is not looked for."""
        return module.startswith(".") or module.partition(".")[0] in self._stems

    def _files(self, folder: str, module: str) -> Iterator[str]:
        key = (folder, module)
        if key not in self._found:
            self._found[key] = self._file(folder, module)
        found = self._found[key]
        if found is not None:
            yield found

    def _file(self, folder: str, module: str) -> str | None:
        bare = module.lstrip(".")
        parts = bare.split(".") if bare else []
        for _ in range(len(module) - len(bare) - 1):
            folder = posixpath.dirname(folder)
        rest = "/".join(parts)
        while True:
            before = f"{folder}/" if folder else ""
            for stem in (f"{before}{rest}", f"{before}src/{rest}") if rest else (folder,):
                for path in (f"{stem}/__init__.py", f"{stem}.py"):
                    own = self._links.own(path)
                    if own in self._documents:
                        return own
            if module.startswith(".") or not folder:
                return None
            folder = posixpath.dirname(folder)


def _root(roots: dict[str, str], path: str) -> str:
    while roots[path] != path:
        roots[path] = roots[roots[path]]
        path = roots[path]
    return path
