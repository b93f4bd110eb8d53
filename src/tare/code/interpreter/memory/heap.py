"""What objects hold now: attributes, and the contents of lists, dictionaries and arrays, with writes that can be taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tare.code.interpreter.conditions import Decisions
from tare.code.interpreter.values import UNKNOWN, Call, Class, Instance, Items, Table, Value, joined

#: The object, the name of its attribute, and the entry that alone sees the write; "" where all do.
Slot = tuple[Value, str, str]
Written = Mapping[Slot, Value]
#: The name under which what a list, a dictionary or an array holds now is kept.
CONTENT = ""


class Heap:
    """The attributes of all objects, and what was changed in place.

    A list, a dictionary or an array is the value with which it was made, whatever names, lists and calls hold it. What it holds
    now is looked up when somebody reads it. A branch is carried out on the heap itself and rolled back: what it wrote is joined
    with what the other branches wrote.

    ``moved`` has what was changed in place, and what it was changed to, so that nobody looks for anything else; ``names`` the
    attributes that were set of each object.
    """

    def __init__(self) -> None:
        self._values: dict[Slot, Value] = {}
        self._journal: list[tuple[Slot, Value | None]] = []
        self._made: dict[Value, Value] = {}
        self._last: dict[Slot, int] = {}
        self._marks: list[int] = []
        self.moved: set[Value] = set()
        self.names: dict[Value, list[str]] = {}

    def read(self, slot: Slot) -> Value | None:
        """The value of an attribute; None if nobody set it."""
        found = self._values.get(slot)
        return self._values.get((slot[0], slot[1], "")) if found is None and slot[2] else found

    def write(self, slot: Slot, value: Value) -> None:
        """Set an attribute."""
        before = self._values.get(slot)
        if slot[1] == CONTENT:
            if self._is_noted(slot):
                self._values[slot] = value
                return
            self._last[slot] = len(self._journal)
        elif before is None:
            self.names.setdefault(slot[0], []).append(slot[1])
        self._journal.append((slot, before))
        self._values[slot] = value

    def _is_noted(self, slot: Slot) -> bool:
        """Whether what a list held at the last mark is noted: what it held in between nobody asks for."""
        index = self._last.get(slot, -1)
        return index >= (self._marks[-1] if self._marks else 0) and index < len(self._journal) and self._journal[index][0] == slot

    def root(self, value: Value) -> Value:
        """The value with which a list, a dictionary or an array was made."""
        if isinstance(value, Items | Table):
            return value.origin or value
        return self._made.get(value, value)

    def now(self, value: Value, entry: str) -> Value:
        """What a value that is no choice holds now."""
        root = self.root(value)
        found = self._values.get((root, CONTENT, entry)) or self._values.get((root, CONTENT, ""))
        return value if found is None else found

    def change(self, root: Value, value: Value, entry: str) -> None:
        """Set what a list, a dictionary or an array holds; the value is the same object from now on."""
        if isinstance(value, Items | Table):
            value.origin = root if isinstance(root, Items | Table) else None
        elif value is not UNKNOWN and value is not root:
            self._made[value] = root
        self.moved.update((root, value))
        self.write((root, CONTENT, entry), value)

    def before(self, slot: Slot) -> Value | None:
        """What a slot holds where a branch did not write it; None for an attribute that does not exist."""
        return self.read(slot) or self._default(slot)

    def _default(self, slot: Slot) -> Value | None:
        owner, name, _ = slot
        if name == CONTENT:
            return owner
        if isinstance(owner, Instance | Class):
            return self.of_class(owner.cls if isinstance(owner, Instance) else owner, name, slot[2])
        return UNKNOWN

    def of_class(self, cls: Class, name: str, entry: str) -> Value | None:
        """An attribute of a class or of its bases in the repository, in the order in which Python looks."""
        found = None if cls.is_changed else cls.attributes.get(name)
        if found is not None:
            return found
        for each in cls.order if cls.is_changed else cls.above:
            found = self.read((each, name, entry)) if each.is_changed else None
            if found is None:
                found = each.attributes.get(name)
            if found is not None:
                return found
        return None

    def of_calls(self) -> list[tuple[Call, str, Value]]:
        """The attributes that were set of what libraries returned."""
        return [
            (owner, name, value)
            for (owner, name, _), value in self._values.items()
            if isinstance(owner, Call) and name != CONTENT
        ]

    def names_of(self, owner: Value) -> set[str]:
        """The attributes of an object that somebody set."""
        return set(self.names.get(owner, ()))

    def mark(self) -> int:
        """The present moment, for :meth:`rolled_back` and :meth:`meet`, until it is let go."""
        self._marks.append(len(self._journal))
        return len(self._journal)

    def let_go(self, mark: int) -> None:
        """Nobody goes back to a mark any more, nor to a later one."""
        while self._marks and self._marks.pop() != mark:
            pass

    def since(self, mark: int) -> Written:
        """What was written since a mark and still stands."""
        return {slot: self._values[slot] for slot, _ in self._journal[mark:]}

    def rolled_back(self, mark: int) -> Written:
        """Take back every write since the mark, and return what had been written."""
        if len(self._journal) == mark:
            return {}
        written = self.since(mark)
        for slot, before in reversed(self._journal[mark:]):
            if before is None:
                del self._values[slot]
            else:
                self._values[slot] = before
        del self._journal[mark:]
        return written

    def meet(self, ends: Sequence[tuple[Decisions, Written]], mark: int) -> None:
        """Write what several ways from a mark to here wrote, of which the heap still has one or none."""
        begin: dict[Slot, Value | None] = {}
        for slot, before in self._journal[mark:]:
            begin.setdefault(slot, before)
        for slot in dict.fromkeys([slot for _, written in ends for slot in written]):
            before = begin.get(slot, self._values.get(slot)) or self._default(slot)
            options = [(decisions, written.get(slot, before)) for decisions, written in ends]
            value = one([(decisions, each) for decisions, each in options if each is not None])
            if self._values.get(slot) is not value:
                self.write(slot, value)

    def join(self, ends: Sequence[tuple[Decisions, Written]]) -> None:
        """Write what several branches wrote: in each slot one of the values, or what it held before."""
        if len(ends) == 1:
            for slot, value in ends[0][1].items():
                self.write(slot, value)
            return
        for slot in dict.fromkeys([slot for _, written in ends for slot in written]):
            options = [(decisions, written.get(slot)) for decisions, written in ends]
            if None in [value for _, value in options]:
                before = self.before(slot)
                options = [(decisions, before if value is None else value) for decisions, value in options]
            self.write(slot, one([(decisions, value) for decisions, value in options if value is not None]))


def one(options: list[tuple[Decisions, Value]]) -> Value:
    """The value of several alternatives, which are often the same."""
    first = options[0][1]
    return first if all(value is first for _, value in options) else joined(options)
