"""Lists and dictionaries that are changed in place: everybody who holds them sees it, as in Python."""

# ruff: noqa: E501, S102 (a program a line, and each is run to have what Python says)

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.code.interpreted import shown

PROGRAMS = {
    "another name": "a = [1]\nb = a\nb.append(2)\nlib.show(a)",
    "a copy": "a = [1]\nb = list(a)\nb.append(2)\nlib.show(a)",
    "a slice": "a = [1, 2]\nb = a[:]\nb.append(3)\nlib.show(a)",
    "an argument": "def f(x): x.append(2)\na = [1]\nf(a)\nlib.show(a)",
    "an argument in a branch": "def f(x, n):\n    if n: x.append(2)\na = [1]\nf(a, True)\nlib.show(a)",
    "a list in a list": "a = [1]\nb = [a, 0]\na.append(2)\nlib.show(b[0])",
    "a list of an object": "class C:\n    def __init__(self):\n        self.x = [1]\n        self.add()\n    def add(self): self.x.append(2)\nlib.show(C().x)",
    "a default": "def f(x=[]):\n    x.append(1)\n    return x\nf()\nlib.show(f())",
    "plus": "a = [1]\nb = a\nb += [2]\nlib.show(a)",
    "plus of tuples": "a = (1,)\nb = a\nb += (2,)\nlib.show(a)",
    "a new sum": "a = [1]\nb = a\nb = b + [2]\nlib.show(a)",
    "insert": "a = [1]\na.insert(0, 2)\nlib.show(a)",
    "pop": "a = [1, 2, 3]\nlib.show(a.pop(0))\nlib.show(a)",
    "remove": "a = [1, 2, 1]\na.remove(1)\nlib.show(a)",
    "reverse": "a = [1, 2]\na.reverse()\nlib.show(a)",
    "sort": "a = [2, 3, 1]\na.sort(reverse=True)\nlib.show(a)",
    "clear": "a = [1]\nb = a\na.clear()\nlib.show(b)",
    "del of an item": "a = [1, 2, 3]\nb = a\ndel a[-1]\nlib.show(b)",
    "del of a slice": "a = [1, 2, 3]\ndel a[1:]\nlib.show(a)",
    "an item": "a = [1, 2]\nb = a\nb[0] = 5\nlib.show(a)",
    "a part": "a = [1, 2, 3]\na[1:] = [7]\nlib.show(a)",
    "a list that is named twice": "a = b = [1]\na.append(2)\nlib.show(b)",
    "the rest": "a, *b = [1, 2, 3]\nlib.show(b)",
    "a dictionary by another name": "a = dict(m=1)\nb = a\nb['m'] = 2\nlib.show(a['m'])",
    "a dictionary as argument": "def f(x): x['m'] = 2\na = dict(m=1)\nf(a)\nlib.show(a['m'])",
    "a copy of a dictionary": "a = dict(m=1)\nb = a.copy()\nb['m'] = 2\nlib.show(a['m'])",
    "update with keywords": "a = dict(m=1)\na.update(m=2)\nlib.show(a['m'])",
    "update with pairs": "a = dict(m=1)\na.update([('m', 2)])\nlib.show(a['m'])",
    "setdefault": "a = {}\na.setdefault('m', 1)\nlib.show(a.get('m', 2))",
    "setdefault of what is there": "a = dict(m=3)\nlib.show(a.setdefault('m', 1))",
    "a list in setdefault": "a = {}\na.setdefault('m', []).append(1)\nlib.show(a['m'])",
    "pop of a key": "a = dict(m=1)\nlib.show(a.pop('m'))\nlib.show(a.get('m', 2))",
    "del of a key": "a = dict(m=1)\ndel a['m']\nlib.show(a.get('m', 2))",
    "or": "a = dict(m=1)\nb = a\na |= dict(m=2)\nlib.show(b['m'])",
    "two mappings": "a = dict(m=1)\nb = {**a, 'm': 2}\nlib.show(b['m'])\nlib.show(a['m'])",
    "a matrix": "a = [[1]]\nb = a.copy()\nb[0].append(2)\nlib.show(a[0])",
}


def executed(program: str) -> list[object]:
    """What Python itself shows."""
    found: list[object] = []
    names = {"lib": SimpleNamespace(show=lambda x: found.append(tuple(x) if isinstance(x, list) else x))}
    exec(program, names)
    return found


@pytest.mark.parametrize("way", PROGRAMS)
def test_what_is_changed_in_place_is_what_python_makes_of_it(way: str) -> None:
    assert shown(a=f"import lib\n{PROGRAMS[way]}") == executed(PROGRAMS[way]), way


UNTOLD = {
    "an unknown update": "a = dict(m=1)\na.update(other)\nlib.show(a['m'])",
    "an unknown mapping after it": "a = {'m': 1, **other}\nlib.show(a['m'])",
    "dict with unknown keywords": "a = dict(dict(m=1), **other)\nlib.show(a['m'])",
    "get with unknown keywords": "a = dict(n=1, **other)\nlib.show(a.get('m', 2))",
    "an unknown key": "a = dict(m=1)\na[key] = 2\nlib.show(a['m'])",
    "an unknown item": "a = [1, 2]\na[i] = 3\nlib.show(a)",
    "an order that is not known": "import random\na = [1, 2]\nrandom.shuffle(a)\nlib.show(a)",
    "sort by a key": "a = [1, 2]\na.sort(key=f)\nlib.show(a)",
}


@pytest.mark.parametrize("way", UNTOLD)
def test_what_may_be_changed_is_unknown(way: str) -> None:
    assert shown(a=f"import lib\n{UNTOLD[way]}") == ["?"], way


def test_an_entry_after_an_unknown_mapping_is_certain() -> None:
    assert shown(a="import lib\na = {**other, 'm': 1}\nlib.show(a['m'])") == [1]


def test_a_change_in_a_branch_is_one_of_two() -> None:
    code = "import lib\na = [1]\nb = a\nif x: b.append(2)\nlib.show(a)"
    assert shown(a=code) == [{(1,), (1, 2)}]


def test_two_programs_do_not_change_the_list_of_a_module_for_each_other() -> None:
    program = "import lib\nfrom shared import X\nX.append({0})\nlib.show(X)"
    found = shown(shared="X = [0]", one=program.format(1), two=program.format(2))
    assert found == [(0, 1), (0, 2)]


def test_a_pipeline_has_the_steps_of_its_list_in_the_end() -> None:
    from tests.code.interpreted import calls

    begin = "from torchvision import transforms as T\nsteps = [1]\nc = T.Compose(steps)\n"
    for change in ("steps.append(2)", "c.transforms.append(2)", "c.transforms += [2]", "c.transforms = [1, 2]"):
        (made,) = calls("torchvision.transforms.Compose", a=begin + change)
        assert [each.value for each in made.args[0].items] == [1, 2], change  # type: ignore[attr-defined]
