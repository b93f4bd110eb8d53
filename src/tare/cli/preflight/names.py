"""Names that libraries know, from an index that ships with tare: asking the libraries themselves takes seconds.

``names.json`` is written by ``python -m benchmarks.library_names``. It refuses a name only if the installed library has the
version that the index was made with: of any other version the library itself decides, later.
"""

from __future__ import annotations

import difflib
import json
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tare.errors import DataError, ModelError, SpecError, TareError, did_you_mean

_INDEX = Path(__file__).with_name("names.json")


@cache
def index() -> dict[str, Any]:
    """The whole index: what each library knows, and the version that it was made with."""
    document: dict[str, Any] = json.loads(_INDEX.read_text(encoding="utf-8"))
    return document


def is_current(library: str) -> bool:
    """Whether the installed library has the version of the index, of any build; nothing is imported to find out."""
    try:
        return version(library).partition("+")[0] == str(index()[library]["version"])
    except PackageNotFoundError:
        return False


def check_timm(name: str, error: type[TareError]) -> None:
    """Raise ``error`` for a name that timm does not know, with or without a tag, as its reader would."""
    architectures: dict[str, list[str]] = index()["timm"]["architectures"]
    bare, _, tag = name.partition(".")
    if (bare in architectures and (not tag or tag in architectures[bare])) or ":" in name or not is_current("timm"):
        return
    tags = [f"{bare}.{each}" for each in architectures.get(bare, ())]
    known = tags or [each for each in architectures if each not in index()["timm"]["deprecated"]]
    raise error("a network that timm knows", repr(name), did_you_mean(name, known, "see timm.list_models()", prefix="timm:"))


def check_torchvision(name: str) -> None:
    """Raise :class:`ModelError` for a name that is neither a classifier of torchvision nor weights of one."""
    known = index()["torchvision"]
    kind, _, member = name.partition(".")
    is_one = name in known["classifiers"] or member in known["weights"].get(kind, ())
    if not is_one and is_current("torchvision"):
        hint = did_you_mean(name, known["classifiers"], "see torchvision.models.list_models()", prefix="torchvision:")
        raise ModelError("a classifier that torchvision knows", repr(name), hint)


def check_torchvision_spec(name: str) -> None:
    """Raise :class:`SpecError` for a name whose preset torchvision does not have, as its reader would."""
    known = index()["torchvision"]
    kind, _, member = name.partition(".")
    if not is_current("torchvision"):
        return
    if member:
        if kind not in known["weights"]:
            raise SpecError("weights that torchvision knows", repr(name), _close(kind, [*known["weights"]]))
        if member not in known["weights"][kind]:
            raise SpecError(f"a member of {kind}", repr(member), f"it has {', '.join(known['weights'][kind]) or 'none'}")
    elif name not in known["models"] and name not in known["weights"]:
        raise SpecError("weights or a model that torchvision knows", repr(name), _close(name, known["models"]))


def check_keras(name: str) -> None:
    """Raise :class:`SpecError` for a name that is no application of keras, as its reader would."""
    known = index()["keras"]["applications"]
    if name in known or not is_current("keras"):
        return
    close = difflib.get_close_matches(name.lower(), [each.lower() for each in known], n=3, cutoff=0.5)
    listed = ", ".join(f"keras:{each}" for each in known if each.lower() in close)
    raise SpecError("an application that keras has", repr(name), f"did you mean {listed}?" if close else "see its list")


def check_own(reference: str) -> None:
    """Raise :class:`ModelError` for a ``tare:NAME`` that is none of tare's own networks."""
    known, name = index()["tare"]["networks"], reference.partition(":")[2]
    if name not in known:
        listed = ", ".join(f"tare:{each}" for each in known)
        hint = did_you_mean(name, known, "choose one of them", most=1, prefix="tare:")
        raise ModelError(f"one of {listed}", repr(reference), hint)


def check_published(text: str) -> None:
    """Raise :class:`DataError` for a side of a comparison that is no name in the catalog, as `tare compare` would."""
    name, known = text.removeprefix("catalog:"), catalog_names()
    if name not in known:
        near = difflib.get_close_matches(name, known)
        remedy = f"did you mean {' or '.join(near)}?" if near else f"the catalog has {', '.join(sorted(known))}"
        raise DataError("a file, a folder, or a name in the catalog", f"{text!r}", remedy)


def catalog_names() -> list[str]:
    """The names in the catalog of published constants, in its order, and those of families of networks that take them."""
    from tare import normalisation

    document = json.loads((Path(normalisation.__path__[0]) / "catalog.json").read_text(encoding="utf-8"))
    return [str(name) for entry in document["entries"] for name in (entry["name"], *entry.get("families", ()))]


def check_catalog(name: str) -> None:
    """Raise :class:`SpecError` for a name that the catalog of published constants does not have."""
    known = catalog_names()
    if name not in known:
        every = f"did you mean {', '.join(sorted(known))}?"
        raise SpecError("a name in the catalog", repr(name), did_you_mean(name, known, every, cutoff=0.6))


def _close(name: str, known: list[str]) -> str:
    lower = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.5)
    listed = ", ".join(f"torchvision:{lower[each]}" for each in close)
    return f"did you mean {listed}?" if close else "see torchvision.models.list_models()"
