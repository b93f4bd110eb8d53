"""The time left of work of several kinds that cost differently, such as training and validation."""

from __future__ import annotations

from collections.abc import Mapping

from tare.system.pacing.pace import Pace


class Costs:
    """How much is left of each kind of work, and what each took so far.

    ``guesses`` say of a kind what it costs beside another kind, until the first of it is done.
    """

    def __init__(self, amounts: Mapping[str, float], guesses: Mapping[str, tuple[str, float]] | None = None) -> None:
        self._left, self._guesses = dict(amounts), dict(guesses or {})
        self._paces: dict[str, Pace] = {}

    def spend(self, kind: str, amount: float, seconds: float) -> None:
        """Count ``amount`` of a kind that took ``seconds``."""
        self.skip(kind, amount)
        pace = self._paces.setdefault(kind, Pace(0.0))
        pace.advance(amount, pace.at + seconds)

    def skip(self, kind: str, amount: float) -> None:
        """Count ``amount`` of a kind that was done before."""
        self._left[kind] = max(0.0, self._left.get(kind, 0.0) - amount)

    def cost(self, kind: str) -> float | None:
        """Seconds that one of a kind takes, by the newer half of what is done of it; None if nobody knows."""
        if kind in self._paces:
            speed = self._paces[kind].speed()
            return 1 / speed if speed else 0.0
        other, factor = self._guesses.get(kind, ("", 0.0))
        known = self.cost(other) if other else None
        return None if known is None else factor * known

    def left(self) -> float | None:
        """Seconds of work left; None while a kind is left that nothing is known of."""
        total = 0.0
        for kind, amount in self._left.items():
            cost = self.cost(kind) if amount else 0.0
            if cost is None:
                return None
            total += amount * cost
        return total
