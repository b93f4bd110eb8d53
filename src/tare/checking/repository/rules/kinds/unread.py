"""Constants in configurations that no file of code reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from tare.checking.repository.result import CodeFinding, Step
from tare.code.configurations import Stated, stated_in
from tare.code.files.configuration.reading import configuration
from tare.code.files.configuration.value import Configuration
from tare.code.files.document import Document
from tare.code.networks.expected import listed
from tare.code.place import Place

_LOADS = re.compile(r"\b(?:yaml|json|toml\w*)\.\w*load|OmegaConf|hydra")
#: Code that hands on what it has not named.
_HANDS_ON = re.compile(
    r"\*\*|instantiate|setattr|__dict__|getattr|vars\(|\.update\(|from_dict|\.items\(\)|structured|BaseModel|Namespace"
)


def unread(documents: Sequence[Document]) -> Iterator[CodeFinding]:
    """A mean and std in a configuration that code loads by its name, where no code has the names of their keys."""
    code = [each for each in documents if each.kind != "configuration"]
    for document in documents:
        if document.kind == "configuration" and ("mean" in document.text or "MEAN" in document.text):
            loaders = _loaders(document, code)
            read = configuration(document) if loaders else None
            if not isinstance(read, Configuration):
                continue
            for each in stated_in(read):
                if each.format == "plain" and not any(_is_read(read, each, one.text) for one in code):
                    yield _finding(document, each, loaders[0])


def _loaders(document: Document, code: Sequence[Document]) -> list[Document]:
    """The files that load a configuration by its name; none if one of them hands values on without naming them."""
    name = document.path.rpartition("/")[2]
    found = [each for each in code if name in each.text and _LOADS.search(each.text)]
    return [] if any(_HANDS_ON.search(each.text) for each in found) else found


def _is_read(configuration: Configuration, each: Stated, text: str) -> bool:
    """Whether code names the key of the mean or of the std, or hands the mapping around them on."""
    if each.keys and _named(str(each.keys[-1]), text) and _HANDS_ON.search(text):
        return True
    around = configuration.root.get(*each.keys) or configuration.root
    fields = around.content if isinstance(around.content, Mapping) else {}
    keys = [key for key, value in fields.items() if value is each.mean_value or value is each.std_value]
    return not keys or any(_named(key, text) for key in keys)


def _named(key: str, text: str) -> bool:
    """Whether code has a key as a text, as an attribute, or as a name of its own."""
    word = re.escape(key)
    return re.search(rf"['\"]{word}['\"]|\.{word}\b(?!\s*\()|\b{word}\s*[=:]", text) is not None


def _finding(document: Document, each: Stated, loader: Document) -> CodeFinding:
    place = each.mean_value.place
    return CodeFinding(
        "TARE061",
        "warning",
        f"mean {listed(each.mean)} and std {listed(each.std)} are stated here, and no file of code reads them",
        f"normalise with them, or leave them out; {loader.path} loads this file",
        place,
        (Step("the file is loaded", Place(loader.path, _line(loader, document))),),
        source=document.line(place.line),
    )


def _line(loader: Document, document: Document) -> int:
    name = document.path.rpartition("/")[2]
    return next((number for number, line in enumerate(loader.text.split("\n"), 1) if name in line), 1)
