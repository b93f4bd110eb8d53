"""What a command line names: data, networks, weights, specifications, runs. Does it exist, as far as names and files tell?"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path

from tare.cli.preflight.names import check_catalog, check_keras, check_own, check_timm, check_torchvision, check_torchvision_spec
from tare.errors import DataError, MissingDependencyError, ModelError, SpecError, TareError
from tare.input_spec.model_file import model_file
from tare.system.local.opened import forbidden

#: The prefixes of `tare spec`, as messages list them; tests/cli/preflight hold them against the table of readers.
PREFIXES = ("timm", "torchvision", "hf", "keras", "onnx", "lerobot", "openpi", "nnunet", "catalog")
_PLAIN_NAMES = ("pretrained", "none")
_NO_NETWORK = "a network: timm:NAME, torchvision:NAME, hf:DIR_OR_ID, tare:NAME, FILE.py:FACTORY or an earlier run's directory"


def is_missing(text: str) -> bool:
    """Whether a text is a plain path at which nothing is; URLs, patterns, prefixes and lists of names may be anything."""
    if text == "-" or ":" in text or glob.has_magic(text) or "{" in text:
        return False
    return not os.path.lexists(text) and not forbidden(text)


def check_data(place: object) -> None:
    """Raise :class:`DataError` for a path of data at which nothing is."""
    if isinstance(place, str) and is_missing(place) and is_missing(place.rpartition("#")[0] or place):  # FILE#ARRAY
        raise DataError("an existing file or folder", f"{place!r} does not exist", "check the path")


def check_labelled(place: object) -> None:
    """Raise :class:`DataError` for a path of labelled data at which nothing is."""
    if isinstance(place, str) and is_missing(place) and is_missing(place.rpartition("#")[0] or place):
        raise DataError("an existing folder of images", f"{str(Path(place))!r} does not exist", "check the path")


def check_label_column(place: object, label: str | None) -> None:
    """Raise :class:`DataError` for a column of labels that the table does not have."""
    if label is not None and isinstance(place, str) and Path(place).is_file():
        from tare.sources.tables.csv_table import check_label

        check_label(place, label)


def check_samples(words: Iterable[str]) -> None:
    """Raise :class:`DataError` if nothing is at any of the paths of folders; a file that is missing gets a row that says so."""
    named = list(words)
    if named and all(is_missing(word) and not Path(word).suffix for word in named):
        check_data(named[0])


def check_statistics(place: object) -> None:
    """Raise :class:`DataError` for a statistics file that is not there."""
    if isinstance(place, str | os.PathLike) and is_missing(os.fspath(place)):
        reason = f"[Errno 2] No such file or directory: {os.fspath(place)!r}"
        raise DataError("a readable statistics file", f"{os.fspath(place)!r}: {reason}", "check the path")


def check_network(reference: str) -> None:
    """Raise :class:`ModelError` for a network that neither a library nor a file nor a directory can be."""
    kind, colon, name = reference.partition(":")
    path, _, factory = reference.rpartition(":")
    if kind == "timm" and name:
        check_timm(name, ModelError)
    elif kind == "torchvision" and name:
        check_torchvision(name)
    elif kind == "hf" and name:
        check_installed("transformers", "hf", f"the network {reference}")
    elif kind == "tare" and colon:
        check_own(reference)
    elif path.endswith(".py") and factory:
        _check_python_file(path, ModelError)
    elif Path(reference).is_dir():
        if model_file(Path(reference)) is None:
            raise ModelError("a run or a model directory with a tare.json", f"{reference!r} without one", "name RUN or RUN/model")
    elif model_file(Path(reference)) is None:
        raise ModelError(_NO_NETWORK, f"{reference!r}", "for example --model timm:resnet18")


def check_rewritten(source: str) -> None:
    """The same for the network of `tare fold` and `tare respec`."""
    if Path(source).is_dir() and model_file(Path(source)) is None:
        raise ModelError("a run or model directory with a tare.json", f"none in {source!r}", "name RUN or RUN/model")
    check_network(source)


def check_weights(weights: str | None) -> None:
    """Raise :class:`ModelError` for weights that are neither a word nor a file nor an earlier run."""
    if weights is not None and weights not in _PLAIN_NAMES and not os.path.lexists(weights):
        found = f"{str(Path(weights))!r} does not exist"
        raise ModelError("a weights file", found, "check the path, or use --weights pretrained|none")


def check_spec(spec: object) -> None:
    """Raise :class:`SpecError` for a specification that no reader of `tare spec` can find."""
    if not isinstance(spec, str | os.PathLike):
        return
    text = os.fspath(spec)
    prefix, colon, rest = text.partition(":")
    check = _SPEC_PREFIXES.get(prefix) if colon else None
    if check is not None:
        if not os.path.lexists(rest):  # the reader takes a path behind a prefix, too
            check(rest)
    elif is_missing(text) and is_missing(text.rpartition("#")[0] or text):  # PATH#PART names a part of a file
        _refuse_missing_spec(text)


#: How the names behind a prefix of `tare spec` are looked up, for libraries whose names are known.
_SPEC_PREFIXES: Mapping[str, Callable[[str], None]] = {
    "timm": lambda name: check_timm(name, SpecError),
    "torchvision": check_torchvision_spec,
    "keras": check_keras,
    "catalog": check_catalog,
}


def _refuse_missing_spec(text: str) -> None:
    try:
        check_catalog(text)
    except SpecError:
        known = ", ".join(f"{prefix}:NAME" for prefix in PREFIXES)
        remedy = f"name {known}, a spec or config file, or a model directory"
        raise SpecError("a model, a file or a directory", f"{text!r}, which does not exist", remedy) from None
    raise SpecError("a model, a file or a directory", f"{text!r}, a name in the catalog", f"write catalog:{text}")


def check_pipeline(text: object) -> None:
    """Raise a :class:`TareError` for a pipeline whose file is not there."""
    if not isinstance(text, str):
        return
    from tare.errors import PipelineError

    place, _, name = text.rpartition(":")
    if place.endswith(".py") and name.isidentifier():
        _check_python_file(place, PipelineError)
    elif is_missing(text) and Path(text).suffix in (".json", ".yaml", ".yml"):
        check_spec(text)


def check_function(text: str) -> None:
    """Raise :class:`SpecError` for a function whose file is not there, or that is not named as FILE.py:NAME."""
    from tare.system.user_code import is_reference

    if not is_reference(text):
        raise SpecError("a function as FILE.py:NAME or package.module:NAME", f"{text!r}", "for example score.py:score")
    place = text.rpartition(":")[0]
    if place.endswith(".py"):
        _check_python_file(place, SpecError)


def check_run(run: Path) -> None:
    """Raise :class:`ModelError` for a directory that `tare transfer` did not write."""
    if model_file(run) is None:
        found = "no such directory" if not run.exists() else f"no tare.json in {str(run)!r}"
        raise ModelError("a run or model directory with a tare.json", found, "name a directory that `tare transfer` wrote")


def check_installed(module: str, extra: str, purpose: str) -> None:
    """Raise :class:`MissingDependencyError` for a package that is not installed; it is not imported to find out."""
    if find_spec(module) is None:
        raise MissingDependencyError(
            f"the package {module!r} for {purpose}", "it is not installed", f"run: pip install 'tare[{extra}]'"
        )


def _check_python_file(path: str, error: type[TareError]) -> None:
    if not Path(path).is_file():
        raise error("a Python file", f"{str(Path(path))!r} does not exist", "check the path")
