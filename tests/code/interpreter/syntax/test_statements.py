"""Loops, tests and assignments lead to the values that Python gives."""

# ruff: noqa: E501 (a program a line)

from __future__ import annotations

import pytest

from tests.code.interpreted import shown
from tests.code.interpreter.syntax.changes.test_methods import executed

PROGRAMS = {
    "break": "for n, m in [('a', 1), ('b', 2)]:\n    if n == 'a': break\nlib.show(m)",
    "continue": "x = 0\nfor n in [1, 2]:\n    if n == 2: continue\n    x = n\nlib.show(x)",
    "else of a loop": "for n in [1]: pass\nelse: n = 5\nlib.show(n)",
    "else after break": "for n in [1]: break\nelse: n = 5\nlib.show(n)",
    "while that is not begun": "x = 1\nwhile False: x = 2\nelse: x += 2\nlib.show(x)",
    "while that is left": "while True:\n    x = 1\n    break\nlib.show(x)",
    "return in a loop": "def f(n):\n    for k, v in [('a', 1), ('b', 2)]:\n        if k == n: return v\n    return 3\nlib.show(f('b'))",
    "nonlocal": "def f():\n    x = 1\n    def g():\n        nonlocal x\n        x = 2\n    g()\n    return x\nlib.show(f())",
    "a function in a branch": "def f(a):\n    x = 1\n    def g(): return x\n    if a:\n        x = 2\n        return g()\nlib.show(f(True))",
    "a guard": "match 3:\n    case n if n > 5: x = 1\n    case _: x = 2\nlib.show(x)",
    "a captured name": "m = 1\nmatch (2, 3):\n    case (m, d): pass\nlib.show(m)",
    "a known case": "match 'b':\n    case 'a': x = 1\n    case 'b': x = 2\nlib.show(x)",
    "what a try raises": "try:\n    x = 1\n    raise ValueError\nexcept ValueError:\n    x = 2\nlib.show(x)",
    "finally": "try:\n    x = 1\nfinally:\n    x = 2\nlib.show(x)",
    "a class's attribute": "class C: x = 1\nC.x = 2\nlib.show(C().x)",
    "setattr": "class C: x = 1\nc = C()\nsetattr(c, 'x', 2)\nlib.show(c.x)",
    "vars": "class C: x = 1\nc = C()\nvars(c).update(x=2)\nlib.show(c.x)",
    "__dict__": "class C: x = 1\nc = C()\nc.__dict__['x'] = 2\nlib.show(c.x)",
    "a deleted attribute": "class C: x = 1\nc = C()\nc.x = 2\ndel c.x\nlib.show(c.x)",
    "a diamond": "class A: x = 1\nclass B(A): pass\nclass C(A): x = 2\nclass D(B, C): pass\nlib.show(D.x)",
    "global": "x = (1,)\ndef f():\n    global x\n    x = (2,)\nf()\nlib.show(x)",
    "global in a branch": "x = (1,)\ndef f(a):\n    global x\n    if a: x = (2,)\nf(False)\nlib.show(x)",
    "what comes after the fields": "from dataclasses import dataclass\n@dataclass\nclass C:\n    x: int = 1\n    def __post_init__(self): self.x = 2\nlib.show(C().x)",
    "a decorator": "def d(g):\n    def h(v): return g(v * 2)\n    return h\n@d\ndef f(v): return v\nlib.show(f(1))",
    "globals": "x = (1,)\nglobals().update(x=(2,))\nlib.show(x)",
    "globals in a function": "x = (1,)\ndef f(): globals()['x'] = (2,)\nf()\nlib.show(x)",
    "a dictionary of the module": "x = dict(a=1)\ndef f(v): x['a'] = v\nf((2,))\nlib.show(x['a'])",
    "a list that is taken apart": "a, n = [1, 2, 3], ()\nwhile a:\n    n = (*n, a.pop(0))\nlib.show(n)\nlib.show(a)",
    "a list that is left": "def f(a):\n    while a:\n        n = a.pop()\n        if n == 2: return n\n    return 0\nlib.show(f([1, 2, 3]))",
    "a class's decorator": "def d(c):\n    c.x = 2\n    return c\n@d\nclass C: x = 1\nlib.show(C.x)",
    "a class's decorator with arguments": "def d(v):\n    def inner(c):\n        c.x = v\n        return c\n    return inner\n@d(2)\nclass C: x = 1\nlib.show(C().x)",
    "__init_subclass__": "class A:\n    x = 1\n    def __init_subclass__(cls, y=None): cls.x = y\nclass B(A, y=2): pass\nlib.show(B.x)\nlib.show(A.x)",
    "a decorator that registers": "names = {}\ndef d(c):\n    names[c.__name__] = c\n    return c\n@d\nclass C: x = 1\nlib.show(C.x)",
    "a setter": "class C:\n    @property\n    def x(self): return self.y\n    @x.setter\n    def x(self, v): self.y = (v, 1)\nc = C()\nc.x = 2\nlib.show(c.x)",
}


@pytest.mark.parametrize("way", PROGRAMS)
def test_a_program_shows_what_python_shows(way: str) -> None:
    assert shown(a=f"import lib\n{PROGRAMS[way]}") == executed(PROGRAMS[way]), way


def test_a_test_of_another_value_is_another_test() -> None:
    code = "import lib\nflag = len(x) > 1\na = []\nif flag: a.append(1)\nflag = len(y) > 1\nif flag: lib.show(a)"
    assert shown(a=code) == [{(), (1,)}]


def test_a_test_of_the_same_value_is_the_same_test() -> None:
    code = "import lib\nflag = len(x) > 1\na = []\nif flag: a.append(1)\nif flag: lib.show(a)"
    assert shown(a=code) == [(1,)]


def test_a_switch_tells_the_branch_that_set_it() -> None:
    code = "import lib\ndone = False\na = []\nif x:\n    a.append(1)\n    done = True\nif not done: a.append(2)\nlib.show(a)"
    assert shown(a=code) == [{(1,), (2,)}]


def test_not_turns_what_is_not_known() -> None:
    code = "import lib\nflag = len(x) > 1\na = []\nif flag: a.append(1)\nflag = not flag\nif flag: a.append(2)\nlib.show(a)"
    assert shown(a=code) == [{(1,), (2,)}]


def test_what_a_return_in_a_branch_has_set_stands() -> None:
    code = "import lib\nclass C:\n    def f(self, a):\n        self.x = 1\n        if a:\n            self.x = 2\n            return\n        self.x = 3\nc = C()\nc.f(unknown)\nlib.show(c.x)"
    assert shown(a=code) == [{2, 3}]


def test_an_attribute_that_one_branch_sets_may_be_that_of_the_class() -> None:
    code = "import lib\nclass C: x = 1\nc = C()\nif unknown: c.x = 2\nlib.show(c.x)"
    assert shown(a=code) == [{1, 2}]


@pytest.mark.parametrize("change", ["setattr(c, name, 2)", "vars(c).update(other)", "vars(c)[name] = 2"])
def test_an_attribute_of_a_name_that_is_not_known_may_be_any(change: str) -> None:
    assert shown(a=f"import lib\nclass C: x = 1\nc = C()\n{change}\nlib.show(c.x)") == ["?"]


def test_a_break_that_may_come_leaves_both_values() -> None:
    code = "import lib\nfor n, m in [('a', 1), ('b', 2)]:\n    if n == query: break\nlib.show(m)"
    assert shown(a=code) == [{1, 2}]


def test_the_block_of_a_program_counts_in_the_program_alone() -> None:
    module = "X = 1\nif __name__ == '__main__':\n    import lib\n    X = 2\n    lib.show(X)\n"
    assert shown(a="import lib\nfrom b import X\nimport b\nlib.show(X)\nlib.show(b.X)", b=module) == [2, 1, 1]


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("try:\n    x = (1,)\n    {}['y']\nexcept KeyError:\n    x = (2,)", {(1,), (2,)}),
        ("x = (2,)\ntry:\n    assert False\n    x = (1,)\nexcept AssertionError:\n    pass", {(1,), (2,)}),
        ("import contextlib\nx = (2,)\nwith contextlib.suppress(KeyError):\n    {}['y']\n    x = (1,)", {(1,), (2,)}),
        ("try:\n    x = (1,)\nexcept KeyError:\n    raise\n", (1,)),
        ("x = (2,)\nwith open('a'):\n    x = (1,)", (1,)),
        ("try:\n    from numpy import x\nexcept ImportError:\n    from math import x\nx = (1,)", (1,)),
        ("try:\n    x = True\nexcept ImportError:\n    x = False", True),
    ],
)
def test_an_exception_that_may_happen_leaves_what_the_handler_gives(code: str, wanted: object) -> None:
    assert shown(a=f"import lib\n{code}\nlib.show(x)") == [wanted]


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("class C:\n    x = 1\n    def __new__(cls):\n        o = super().__new__(cls)\n        o.x = 2\n        return o", "?"),
        ("class C:\n    x = 1\n    def __new__(cls):\n        return super().__new__(cls)", 1),
        (
            "class M(type):\n    def __new__(m, name, bases, d):\n        return type.__new__(m, name, bases, {'x': 2})\nclass C(metaclass=M): x = 1",
            "?",
        ),
        ("class M(type):\n    def __call__(cls): return super().__call__()\nclass C(metaclass=M): x = 1", 1),
        ("from abc import ABCMeta\nclass C(metaclass=ABCMeta): x = 1", 1),
    ],
)
def test_what_makes_objects_and_classes_may_give_them_other_attributes(code: str, wanted: object) -> None:
    assert shown(a=f"import lib\n{code}\nlib.show(C().x)") == [wanted]


def test_variables_that_another_module_sets_together_belong_together() -> None:
    conf = "M, S = (1,), (2,)\ndef use(m, s):\n    global M, S\n    M, S = m, s\ndef both(): return M + S"
    assert shown(a="import lib, conf\nconf.use((3,), (4,))\nlib.show((conf.M, conf.S))", conf=conf) == [((3,), (4,))]
    assert shown(a="import lib, conf\ndef f(x):\n    conf.use((3,), (4,))\n    lib.show(conf.both())\nf(1)", conf=conf) == [
        {(1, 2), (3, 4)}
    ]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("", ("r", 1)),
        ("None", ("r", 1)),
        ("sys.argv[1:]", ("r", 1)),
        ("[]", ("r", 1)),
        ("['--name', 'v']", ("v", 1)),
        ("['--name=v']", ("v", 1)),
        ("['--size', '2']", "?"),
        ("['-n', 'v']", "?"),
        ("unknown.split()", ("r", 1)),
    ],
)
def test_arguments_in_the_code_replace_defaults(given: str, wanted: object) -> None:
    options = "p.add_argument('--name', '-n', default='r')\np.add_argument('--size', type=int, default=1)"
    code = f"import lib, sys, argparse\np = argparse.ArgumentParser()\n{options}\na = p.parse_args({given})\nlib.show((a.name, a.size))"
    assert shown(a=code) == [wanted]
