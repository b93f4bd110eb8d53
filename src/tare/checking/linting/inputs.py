"""What ``tare check PATH...`` and ``tare.check_code`` are asked."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from tare.checking.inputs import CheckRequest
from tare.checking.linting.patterns import pattern_for
from tare.errors import SpecError
from tare.system.handed.arguments import of_kind
from tare.system.options import OptionGroup, declared, flag, option, part, words
from tare.system.user_code import is_reference

FILES = "Reading files"
#: What makes a folder the configuration of a network or the run of a tool, which is checked by itself.
_RUN_FILES = ("preprocessor_config.json", "processor_config.json", "config.json", "args.yaml", "tare.json", "model/tare.json")
_CONFIGURATIONS = (".json", ".yaml", ".yml")
FailOn = Literal["error", "warning"]


@dataclass(frozen=True, kw_only=True)
class CodeOptions(OptionGroup):
    """Which findings about files are shown; ``[tool.tare]`` in pyproject.toml sets the same."""

    select: Sequence[str] | None = option(
        None,
        "Only these codes, or all that begin so: TARE010,TARE1. Default: all.",
        panel=FILES,
        reads=words,
        repeats=True,
        metavar="CODES",
    )
    ignore: Sequence[str] | None = option(
        None,
        "Leave out these codes, or all that begin so; added to those of the settings.",
        panel=FILES,
        reads=words,
        repeats=True,
        metavar="CODES",
    )
    exclude: Sequence[str] | None = option(
        None,
        "Files and folders that are not read, as patterns of .gitignore; they come after those of the settings.",
        panel=FILES,
        reads=words,
        repeats=True,
        metavar="PATTERNS",
    )
    fail_on: FailOn | None = option(None, "The least severity with which the exit code is 1.", panel=FILES, shown="warning")
    baseline: str | os.PathLike[str] | None = option(
        None, "Known findings, which are left out: a file of --write-baseline.", panel=FILES, kind=Path | None
    )
    pedantic: bool = option(False, "Show what could not be told of the files, as notes.", panel=FILES)
    cache: bool = option(
        True, "Keep the findings, and show them again while no file has changed.", panel=FILES, names=("--cache/--no-cache",)
    )


@dataclass(frozen=True, kw_only=True)
class CodeRequest(CodeOptions):
    """Files and folders to read, and the network that they prepare images for, if it is stated."""

    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = field(
        kw_only=False, metadata=declared("A file or folder, or several.")
    )
    model: str | None = field(
        default=None,
        kw_only=False,
        metadata=declared("The network that all files are for, such as timm:resnet50. Default: as the files say."),
    )

    def check(self) -> None:
        """Raise :class:`SpecError` unless there is something to read."""
        super().check()
        if not self.places:
            raise SpecError("files and folders to read", "none", "for example: tare check .")
        for pattern in self.exclude or ():
            pattern_for(pattern, "--exclude")

    @property
    def places(self) -> tuple[str, ...]:
        """The paths as text."""
        paths = [self.paths] if isinstance(self.paths, str | os.PathLike) else self.paths
        of_kind(paths, Sequence, "files and folders to read", "pass a path or a list of paths")
        for path in paths:
            of_kind(path, (str, os.PathLike), "the path of a file or folder to read", "pass a text or a Path")
        return tuple(os.fsdecode(path) for path in paths)


@dataclass(frozen=True, kw_only=True)
class CodeActions(OptionGroup):
    """What the command does with the findings about files, beside showing them."""

    fix: bool = option(False, "Make the changes that are certain, then check again.", panel=FILES)
    diff: bool = option(False, "Show the changes of --fix and write nothing.", panel=FILES)
    statistics: bool = option(False, "Show how often each code was found.", panel=FILES)
    write_baseline: bool = option(False, "Write the findings to the baseline, as known ones.", panel=FILES)
    watch: bool = option(False, "Check again whenever a file changes, until Ctrl-C.", panel=FILES)

    def check(self) -> None:
        """Raise :class:`SpecError` for actions that exclude each other."""
        super().check()
        asked = [name for name in ("watch", "write_baseline", "fix", "diff") if getattr(self, name)]
        if len(asked) > 1 and asked != ["fix", "diff"]:
            raise SpecError(f"one of {', '.join(map(flag, asked))}", "several", "leave out all but one")


@dataclass(frozen=True, kw_only=True)
class CheckCommand(CheckRequest, CodeActions, CodeOptions):
    """All options of ``tare check``: of a pipeline that is run, and of files that are read."""

    paths: Sequence[str] = field(
        metadata=declared(
            "Files and folders, which are only read: code, notebooks, configurations. Or one FILE.py:NAME or "
            "package.module:NAME, a pipeline or a function without arguments that returns it; naming it RUNS that code.",
            is_argument=True,
            metavar="PATH...",
            kind=list[str],
        )
    )
    pipeline: Any = option(None, "The path, where it is a pipeline.", on_command_line=False)

    def check(self) -> None:
        """Raise :class:`SpecError` for options that do not belong to what is checked, or contradict each other."""
        CodeActions.check(part(CodeActions, self))
        self.asked()

    def asked(self) -> CheckRequest | CodeRequest:
        """The check of a pipeline or of files that is meant."""
        if not self._runs():
            _refuse(self, CheckRequest, CodeRequest, "files are read", "name FILE.py:NAME to run a pipeline")
            model = None if self.model is None else str(self.model)
            return CodeRequest(paths=self.paths, model=model, **vars(part(CodeOptions, self)))
        for kind in (CodeOptions, CodeActions):
            _refuse(self, kind, CheckRequest, "a pipeline is run", "leave it out, or name files and folders")
        options = {entry.name: getattr(self, entry.name) for entry in fields(CheckRequest)}
        return CheckRequest(**options | {"pipeline": self.paths[0]})

    def _runs(self) -> bool:
        """Whether the path names a pipeline, or a configuration beside a network that is stated."""
        references = [path for path in self.paths if is_reference(path) and not Path(path).exists()]
        if references and len(self.paths) > 1:
            raise SpecError("one FILE.py:NAME by itself, or files and folders", " ".join(self.paths), "check them one by one")
        states = any(given is not None for given in (self.model, self.spec, self.mean, self.std))
        return bool(references) or (len(self.paths) == 1 and states and _is_configuration(Path(self.paths[0])))


def _is_configuration(path: Path) -> bool:
    """Whether a path is a configuration that states one input, or the folder of one, in which there is no code."""
    if path.is_dir():
        return any((path / name).is_file() for name in _RUN_FILES) and not any(path.glob("*.py"))
    return path.suffix in _CONFIGURATIONS


def _refuse(given: OptionGroup, kind: type[OptionGroup], other: type[OptionGroup], when: str, remedy: str) -> None:
    """Raise :class:`SpecError` for an option of ``kind`` alone that was given."""
    shared = {entry.name for entry in fields(other)}
    for entry in fields(kind):
        if entry.name not in shared and entry.name != "pipeline" and getattr(given, entry.name) != entry.default:
            raise SpecError(f"options that are used where {when}", flag(entry.name), remedy)
