"""The task of a study of the user's own function: what states the source's constants, and what may be varied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NoReturn

from torch import nn

from tare.errors import SpecError
from tare.input_spec.fields import Known
from tare.input_spec.spec import InputSpec
from tare.networks.stated_images import seen_moments
from tare.networks.stated_spec import constants_by_data_channel
from tare.normalisation.inputs import ends_of
from tare.normalisation.strategies import Constants
from tare.readers.table import read_spec
from tare.studying.tasks.folder import FOLDER
from tare.studying.tasks.function import load
from tare.studying.tasks.task import Pretrained, Task

EVALUATE = "evaluate"
#: The network's name where none is stated.
_UNNAMED = "yours"
#: The values of keys as a plan file states them when nothing is varied.
_USUAL = ((), ("probe",), ("eval",), "", "pretrained")
_REMEDY = "state them with --mean and --std, or --spec"


@lru_cache(maxsize=2)
def evaluated_task(
    networks: tuple[str, ...],
    mean: tuple[float, ...],
    std: tuple[float, ...],
    spec: str,
    window: tuple[float, ...] = (),
    opening: int = 0,
) -> Task:
    """The study of a function of the user's, which itself builds and trains the ``networks``.

    Their constants are stated by ``mean`` and ``std``, by ``spec``, or by what :func:`tare.read_spec` reads of their names; they
    are read once for each ``opening``.

    Raises :class:`SpecError` where nobody states the source's constants, which ``source`` needs.
    """
    del opening
    names = networks or (_UNNAMED,)
    sources = {name: Pretrained(nn.Identity(), *_stated(name, mean, std, spec), window=ends_of(window or None)) for name in names}
    return Task(
        EVALUATE,
        _nothing_in_memory,
        None,
        lambda name, _, __: sources[name].module,
        networks=names,
        known=names,
        normed=(),
        sizes=(),
        shifts=("content",),
        strategies=("source", "target"),
        given=sources.__getitem__,
    )


def check_keys(stated: Mapping[str, Any]) -> None:
    """Raise :class:`SpecError` for keys of a plan that the user's own function decides, or that its study lacks."""
    if stated.get("study", EVALUATE) not in (EVALUATE, FOLDER):
        raise SpecError("evaluate without another study", f"evaluate beside the study {stated['study']!r}", "leave one out")
    if stated.get("shifts", ()) not in ((), ("content",)):
        remedy = "leave it out: your function reads the samples"
        raise SpecError("shifts only for studies in which tare reads the samples", "shifts beside evaluate", remedy)
    for key in ("protocols", "batchnorm", "weights", "label_pattern", "bands"):
        if stated.get(key) not in (None, *_USUAL):
            remedy = "leave it out: what is trained and how is up to your function"
            raise SpecError(f"{key} only for studies in which tare trains", f"{key} beside evaluate", remedy)
    if not stated.get("data"):
        raise SpecError("data, whose mean and std the strategies need", "none", "for example data: photos/")
    load(stated["evaluate"])


def check_sizes(sizes: Sequence[int], number: int) -> None:
    """Raise :class:`SpecError` for a size of training sets that leaves less than a fifth of ``number`` samples to score on."""
    most = number - max(2, number // 5)
    wrong = [size for size in sizes if not 2 <= size <= most]
    if wrong:
        raise SpecError(f"sizes from 2 to {most} ({number} less a fifth to score on)", f"{wrong[0]}", "choose sizes between")


def _stated(name: str, mean: tuple[float, ...], std: tuple[float, ...], spec: str) -> tuple[Constants, Constants | None]:
    """The constants of a network, and dataset0's pooled moments if the catalog knows them."""
    found = _constants(name, mean, std, spec)
    return found, seen_moments("match", found, None)


def _constants(name: str, mean: tuple[float, ...], std: tuple[float, ...], spec: str) -> Constants:
    if mean and std:
        return Constants(mean, std, "user")
    if not spec and name == _UNNAMED:
        raise SpecError("the source's mean and std, which the strategy 'source' normalises with", "none", _REMEDY)
    stated: InputSpec = read_spec(spec or name)
    if not isinstance(stated.mean, Known) or not isinstance(stated.std, Known):
        raise SpecError(f"a mean and std that {spec or name!r} states", "none", _REMEDY)
    order, u0, s0 = constants_by_data_channel(stated)
    if order != tuple(range(len(order))):
        raise SpecError("channels in the order of the data", f"another order in {spec or name!r}", _REMEDY)
    return Constants(u0, s0, stated.mean.origin)


def _nothing_in_memory() -> NoReturn:
    raise SpecError("a study whose samples tare feeds to networks", "one of your own function", "read them in the function")
