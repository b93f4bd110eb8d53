"""The files of a repository by their paths: what an import names is looked for among them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from tare.code.files.document import Document
from tare.code.files.links import NO_LINKS, Links
from tare.code.interpreter.imports import Imports
from tare.code.interpreter.values import UNKNOWN, Library, ModuleOf, Value

_LIBRARIES = frozenset(
    [
        "torch",
        "torchvision",
        "tensorflow",
        "keras",
        "numpy",
        "cv2",
        "timm",
        "albumentations",
        "transformers",
        "PIL",
        "sklearn",
        "kornia",
    ]
)

#: What puts a folder before that of the script, in which Python looks first.
_FIRST = re.compile(r"\bsys\.path(?:\.insert\(|\s*=|\[)")


class Repository:
    """The documents of a repository. It has no state of an execution, so that many of its parts can be followed one by one."""

    def __init__(self, documents: Sequence[Document], links: Links = NO_LINKS) -> None:
        self.code = {each.path: each for each in documents if each.kind != "configuration"}
        self.configurations = {each.path: each for each in documents if each.kind == "configuration"}
        self.links = links
        self.imports = Imports(documents, links)
        self._folders = {folder for path in self.code for folder in _ancestors(path)}
        self._imported: dict[tuple[str, str, int], Value] = {}

    def imported(self, path: str, module: str, level: int) -> Value:
        """The module that an import in a file names: one of the repository if a file for it is in sight, else a library's."""
        key = (path, module, level)
        if key not in self._imported:
            self._imported[key] = self._look_up(path, module, level)
        return self._imported[key]

    def _look_up(self, path: str, module: str, level: int) -> Value:
        parts = module.split(".") if module else []
        folder = posixpath.dirname(path)
        if level:
            for _ in range(level - 1):
                folder = posixpath.dirname(folder)
            return self._at(posixpath.join(folder, *parts)) or UNKNOWN
        while parts:
            found = self._at(posixpath.join(folder, *parts)) or self._at(posixpath.join(folder, "src", *parts))
            if found is not None and self.links.own(found.path) != path:
                return UNKNOWN if self._may_be_above(path, folder, parts) else found
            if not folder:
                break
            folder = posixpath.dirname(folder)
        return Library(module)

    def _may_be_above(self, path: str, folder: str, parts: Sequence[str]) -> bool:
        """Whether a file puts another folder first on the path of modules, and one above has a module of this name, too."""
        if not folder or not _FIRST.search(self.code[path].text if path in self.code else ""):
            return False
        above = [folder[: match.start()] for match in re.finditer("/", folder)]
        return any(self._at(posixpath.join(each, *parts)) for each in ("", *above))

    def submodule(self, path: str, name: str) -> Value:
        """The module of a name in a package, or UNKNOWN."""
        if path.endswith("/"):
            return self._at(f"{path}{name}") or UNKNOWN
        if path.endswith("__init__.py"):
            return self._at(posixpath.join(posixpath.dirname(path), name)) or UNKNOWN
        return UNKNOWN

    def _at(self, stem: str) -> ModuleOf | None:
        for path in (f"{stem}/__init__.py", f"{stem}.py"):
            if self.links.own(path) in self.code:
                return ModuleOf(path)
        # A folder without __init__.py does not stand before an installed library.
        is_folder = self.links.own(stem) in self._folders and posixpath.basename(stem) not in _LIBRARIES
        return ModuleOf(f"{stem}/") if is_folder else None


def _ancestors(path: str) -> list[str]:
    found = []
    while path := posixpath.dirname(path):
        found.append(path)
    return found
