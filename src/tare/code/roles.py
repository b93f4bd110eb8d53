"""What a pipeline or dataset is for: training, evaluation or display, told by names, switches and functions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

from tare.code.interpreter.conditions import Condition, Decisions

Role = Literal["train", "eval", "mixed", "unknown"]

_EVAL = frozenset(
    [
        "val",
        "valid",
        "validation",
        "vali",
        "test",
        "testing",
        "tst",
        "eval",
        "evaluate",
        "evaluation",
        "inference",
        "infer",
        "predict",
        "prediction",
        "predictions",
        "holdout",
    ]
)
_TRAIN = frozenset(
    [
        "train",
        "training",
        "trn",
        "trainset",
        "aug",
        "augs",
        "augment",
        "augmentation",
        "augmentations",
        "augmented",
        "tta",
        "pretrain",
        "ssl",
        "mixup",
    ]
)
#: Words that turn the meaning of a switch round: ``if not skip_training`` trains, and ``skip_training`` alone says little.
_TURNED = frozenset(["skip", "no", "not", "without", "disable", "disabled", "ignore", "exclude", "only"])
_SUFFIXES = (("trainset", "train"), ("testset", "test"), ("valset", "val"), ("testloader", "test"), ("valloader", "val"))
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@lru_cache(maxsize=4096)
def words(name: str) -> frozenset[str]:
    """The words of a name in snake or camel case, in lower case."""
    found = {each.lower() for each in _WORD.findall(name)}
    lower = name.lower()
    return frozenset(found | {word for suffix, word in _SUFFIXES if suffix in lower})


def role_of_names(names: Iterable[str]) -> Role:
    """The role that names state together; ``mixed`` if they contradict each other, or one of them itself."""
    found = {role for role in (_role_of_name(each) for each in names) if role != "unknown"}
    if not found:
        return "unknown"
    return found.pop() if len(found) == 1 else "mixed"


def _role_of_name(name: str) -> Role:
    parts = words(name)
    evaluates, trains = bool(parts & _EVAL), bool(parts & _TRAIN)
    if evaluates and trains:
        return "mixed"
    return "eval" if evaluates else "train" if trains else "unknown"


_TRAINS = re.compile(r"\.backward\(|\.fit\(|optimizer|Optimizer|\bTrainer\b|(?i:(?<![a-z])tta(?![a-z]))")


@lru_cache(maxsize=64)
def role_of_file(path: str, text: str) -> Role:
    """``eval`` for a script that is named after it and trains nothing; ``unknown`` for any other, also for tests of code."""
    *folders, name = path.split("/")
    is_test = name.startswith(("test_", "conftest")) or name.endswith("_test.py") or {"tests", "testing", "test"} & set(folders)
    if is_test or _TRAINS.search(text):
        return "unknown"
    return "eval" if role_of_names([name.rpartition(".")[0]]) == "eval" else "unknown"


def role_of_decisions(decisions: Decisions) -> Role:
    """The role that the branches taken state: ``if train``, ``split == "val"``, ``phase in ("val", "test")``."""
    found = {role for role in (_role_of_condition(each) for each in decisions) if role != "unknown"}
    if not found:
        return "unknown"
    return found.pop() if len(found) == 1 else "mixed"


def _role_of_condition(condition: Condition) -> Role:
    if condition.values in ({True}, {False}):
        holds = condition.holds is (True in condition.values)
        subject = condition.subject.partition("::")[2]
        if not re.fullmatch(r"[\w.]+", subject):
            return "unknown"
        name = subject.rpartition(".")[2]
        role = "unknown" if words(name) & _TURNED else _role_of_name(name)
        if role in ("train", "eval") and _is_switch(subject):
            return role if holds else "eval" if role == "train" else "train"
        return "unknown"
    roles = {_role_of_name(str(each)) for each in condition.values}
    if len(roles) != 1 or roles & {"unknown", "mixed"}:
        return "unknown"
    role = roles.pop()
    if condition.holds:
        return role
    return "eval" if role == "train" else "unknown"


def _is_switch(subject: str) -> bool:
    """Whether a name is about training itself, such as ``is_train``, and not about an option of it, such as ``augment``."""
    return bool(words(subject.rpartition(".")[2]) & {"train", "training", "test", "eval", "val", "validation", "testing"})
