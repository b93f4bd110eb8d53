"""How fast long work goes and when it will end, told from what is done; and a plain line about it for logs."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise

#: Below this share of the work nothing is said of its end.
_ENOUGH = 0.1
#: The first step holds what happens only once, such as starting workers: two steps have to be done.
_MARKS = 3
#: A mark is kept whenever the work has grown by this factor, so that a million steps leave some hundred marks.
_GROWTH = 1.02
_MINUTE, _HOUR = 60, 3600


@dataclass(slots=True)
class Pace:
    """The speed of work that began at ``begun`` (seconds of any clock) and has ``total`` steps, or an unknown number.

    The time left is told by the newer half of what is done: the older half holds what happens only once, such as loading. Work
    whose steps cost differently states it.
    """

    begun: float
    total: float | None = None
    done: float = 0.0
    at: float = field(init=False)
    stated: float | None = None
    _dones: list[float] = field(init=False, default_factory=lambda: [0.0])
    _times: list[float] = field(init=False)

    def __post_init__(self) -> None:
        self.at = self.begun
        self._times = [self.begun]

    def advance(self, count: float, now: float, left: float | None = None) -> None:
        """Count ``count`` more steps that were finished at ``now``; ``left`` is the time left for work that knows it better."""
        self.done, self.at, self.stated = self.done + count, now, left
        if self.done >= _GROWTH * self._dones[-1] and count > 0:
            self._dones.append(self.done)
            self._times.append(now)

    @property
    def share(self) -> float | None:
        """The share of the work that is done, from 0 to 1; None if nobody knows how much there is."""
        return min(1.0, self.done / self.total) if self.total else None

    def speed(self) -> float | None:
        """Steps a second over the newer half of the work; None before the first step."""
        place = self._middle()
        spent = self.at - self._times[place]
        return (self.done - self._dones[place]) / spent if spent > 0 else None

    def left(self, now: float) -> float | None:
        """Seconds until the end, told at ``now``; None before two steps and a tenth of the work, or if the amount is not known.

        Before the first step it is what the work itself stated, if it did.

        What was waited since the last step counts. A step that takes longer than the steps before it slows what follows as well.
        """
        share, speed = self.share, self.speed()
        if self.stated is not None and not self.done:  # an estimate from before the first step; an exceeded one says nothing
            rest = self.stated - max(0.0, now - self.at)
            return rest if rest > 0 else None
        if self.total is None or share is None or share < _ENOUGH or not speed:
            return None
        if self.stated is None and len(self._dones) < _MARKS:
            return None
        rest = max(0.0, self.total - self.done) / speed if self.stated is None else self.stated
        waited, longest = max(0.0, now - self.at), self._longest()
        return max(0.0, rest - waited if waited <= longest else rest * waited / longest - waited)

    def _middle(self) -> int:
        """The place of the mark where the newer half begins."""
        return max(0, bisect_right(self._dones, self.done / 2) - 1)

    def _longest(self) -> float:
        """The longest time between two marks of the newer half; positive once there is a speed."""
        times = self._times[self._middle() :]
        return max(later - earlier for earlier, later in pairwise([*times, self.at]))


def duration(seconds: float) -> str:
    """A time in words, with at most two units: ``40 s``, ``110 s``, ``5 min``, ``1 h 20 min``."""
    if seconds < 1.5 * _MINUTE:
        return f"{max(1, round(seconds))} s"
    if seconds < 3 * _MINUTE:
        return f"{10 * round(seconds / 10)} s"
    hours, minutes = divmod(round(seconds / _MINUTE), _HOUR // _MINUTE)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def rate(speed: float | None) -> str:
    """Steps a second, in words; empty if nobody knows."""
    return "" if not speed else f"{speed:,.3g}/s" if speed < 10 else f"{speed:,.0f}/s"


def line(what: str, unit: str, pace: Pace, now: float, remark: str = "") -> str:
    """One line about work under way: what is done, its share or number, and the time left or spent."""
    share, left, speed = pace.share, pace.left(now), pace.speed()
    if share is not None:
        done = f"{share:.0%} of {pace.total:,.0f} {unit}" if unit else f"{share:.0%}"
        end = "time left not known yet" if left is None else f"about {duration(left)} left"
    else:
        done = f"{pace.done:,.0f} {unit}, {rate(speed)}" if unit and speed else "under way"
        end = f"{duration(now - pace.begun)} so far"
    return "; ".join(part for part in (f"{what}: {done}, {end}", remark) if part)
