"""Attributes of objects, with writes that can be taken back."""

from __future__ import annotations

from tare.code.interpreter.values import Value

_Slot = tuple[int, str]


class Heap:
    """The attributes of all objects, by the object's key and the attribute's name.

    A branch is carried out on the heap itself and rolled back: what it wrote is joined with what the other branches wrote.
    """

    def __init__(self) -> None:
        self._values: dict[_Slot, Value] = {}
        self._journal: list[tuple[_Slot, Value | None]] = []

    def read(self, slot: _Slot) -> Value | None:
        """The value of an attribute; None if nobody set it."""
        return self._values.get(slot)

    def write(self, slot: _Slot, value: Value) -> None:
        """Set an attribute."""
        self._journal.append((slot, self._values.get(slot)))
        self._values[slot] = value

    def mark(self) -> int:
        """The present moment, for :meth:`rolled_back`."""
        return len(self._journal)

    def rolled_back(self, mark: int) -> dict[_Slot, Value]:
        """Take back every write since the mark, and return what had been written."""
        if len(self._journal) == mark:
            return {}
        written = {slot: self._values[slot] for slot, _ in self._journal[mark:]}
        for slot, before in reversed(self._journal[mark:]):
            if before is None:
                del self._values[slot]
            else:
                self._values[slot] = before
        del self._journal[mark:]
        return written
