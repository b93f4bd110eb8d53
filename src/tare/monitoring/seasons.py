"""Monitors of a service whose samples change with the hour, the weekday or the site, and are compared with the same one."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from tare.errors import DataError, TareError
from tare.monitoring.monitor import Monitor
from tare.monitoring.reference import Reference
from tare.monitoring.result import Verdict

_NAME = re.compile(r"[\w-][\w.-]{0,99}")


class Seasons:
    """One monitor for each season of ``references``, such as the hours ``"00"`` to ``"23"``.

    Each gets its share of ``alpha``, so that the probability that any of them ever raises a false alarm is at most ``alpha``.
    What a season is, the caller says with every batch, so that no clock is asked. ``options`` are those of :class:`Monitor`.
    """

    def __init__(self, references: Mapping[str, Reference], *, alpha: float = 0.05, **options: Any) -> None:
        each = _share(alpha, references)
        self._monitors = _made(references, lambda season: Monitor(references[season], alpha=each, **options))

    @classmethod
    def open(
        cls,
        folder: str | os.PathLike[str],
        references: Mapping[str, Reference],
        *,
        alpha: float = 0.05,
        every: int = 100,
        **options: Any,
    ) -> Seasons:
        """Go on with the monitors of a folder, one file a season, or begin them there; see :meth:`Monitor.open`."""
        each, made = _share(alpha, references), cls.__new__(cls)
        with contextlib.ExitStack() as held:

            def one(season: str) -> Monitor:
                place = Path(folder) / f"{season}.json"
                return held.enter_context(Monitor.open(place, references[season], every=every, alpha=each, **options))

            made._monitors = _made(references, one)
            held.pop_all()
        return made

    def update(self, batch: Any, season: str) -> bool:
        """Count a batch of one season, and say whether a change was ever shown in any.

        Raises :class:`DataError` for a season that the references do not have.
        """
        self.monitor(season).update(batch)
        return self.alarm

    def monitor(self, season: str) -> Monitor:
        """The monitor of one season. Raises :class:`DataError` for one that the references do not have."""
        if season not in self._monitors:
            known = ", ".join(list(self._monitors)[:8])
            remedy = "compare with a season that the reference has, or measure one of it"
            raise DataError(f"a season of the reference: {known}", repr(season)[:100], remedy)
        return self._monitors[season]

    @property
    def alarm(self) -> bool:
        """Whether a change was ever shown in any season."""
        return any(monitor.alarm for monitor in self._monitors.values())

    def verdicts(self) -> dict[str, Verdict]:
        """What can be said of each season now."""
        return {season: monitor.verdict() for season, monitor in self._monitors.items()}

    def close(self) -> None:
        """Write the files of :meth:`open` once more and give them up.

        Raises :class:`OutputError` if one cannot be written, when all others are; called again, it writes what is left.
        """
        failed: TareError | None = None
        for monitor in self._monitors.values():
            try:
                monitor.close()
            except TareError as error:
                failed = failed or error
        if failed is not None:
            raise failed

    def __enter__(self) -> Seasons:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _share(alpha: float, references: Mapping[str, Reference]) -> float:
    """The probability of a false alarm that each season may use."""
    if not references:
        raise DataError("the reference of at least one season", "none", "pass them by name: {'day': ..., 'night': ...}")
    return alpha / len(references)


def _made(references: Mapping[str, Reference], make: Callable[[str], Monitor]) -> dict[str, Monitor]:
    """The monitor of each season. Raises :class:`DataError` for a name that no file can have."""
    for season in references:
        if not isinstance(season, str) or not _NAME.fullmatch(season):
            raise DataError("names of seasons of letters, digits, dots and dashes", repr(season)[:100], "name it like '08'")
    return {season: make(season) for season in references}
