"""How constants travel through code to the call that uses them."""

# ruff: noqa: E501 (a program a line)

from __future__ import annotations

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.checking.repository.api import judged
from tare.code.files.document import Document, Skipped
from tare.code.interpreter.operators import plain
from tare.code.interpreter.source import parsed
from tests.code.interpreted import calls, run, shown

WAYS = {
    "a literal": "lib.show((1, 2))",
    "a name": "X = (1, 2)\nlib.show(X)",
    "unpacking": "a, b = 1, 2\nlib.show((a, b))",
    "stars in a call": "pair = [(1, 2), 3]\ndef f(one, other): lib.show(one)\nf(*pair)",
    "keywords from a dictionary": "options = dict(one=(1, 2))\ndef f(one=None): lib.show(one)\nf(**options)",
    "a default": "def f(x=(1, 2)): lib.show(x)\nf()",
    "arithmetic": "lib.show([v / 2 for v in (2, 4)])",
    "an array": "import numpy as np\nlib.show(np.array([255, 510]) / 255)",
    "a dictionary": "stats = {'mean': (1, 2)}\nlib.show(stats['mean'])",
    "get of a dictionary": "stats = {'mean': (1, 2)}\nlib.show(stats.get('mean'))",
    "an attribute of a class": "class C:\n    X = (1, 2)\nlib.show(C.X)",
    "an attribute of an object": "class C:\n    def __init__(self, x): self.x = x\nlib.show(C((1, 2)).x)",
    "a method": "class C:\n    def __init__(self): self.x = (1, 2)\n    def show(self): lib.show(self.x)\nC().show()",
    "a base class": "class B:\n    X = (1, 2)\nclass C(B): pass\nlib.show(C().X)",
    "a property": "class C:\n    @property\n    def x(self): return (1, 2)\nlib.show(C().x)",
    "a dataclass": "class C:\n    x: tuple = (1, 2)\nlib.show(C().x)",
    "a field given": "class C:\n    x: tuple = ()\nlib.show(C(x=(1, 2)).x)",
    "what a function returns": "def f(): return 1, 2\nlib.show(f())",
    "a function in a function": "def f(x):\n    def g(): return x\n    return g()\nlib.show(f((1, 2)))",
    "partial": "from functools import partial\ndef f(a, b): lib.show((a, b))\ng = partial(f, 1)\ng(2)",
    "append": "x = []\nx.append(1)\nx += [2]\nlib.show(x)",
    "argparse": (
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--the-mean', default=(1, 2))\n"
        "args = p.parse_args()\nlib.show(args.the_mean)"
    ),
    "a loop over constants": "for x in [(1, 2)]: lib.show(x)",
    "try": "try:\n    x = (1, 2)\nexcept ImportError:\n    x = None\nlib.show(x)",
    "with": "with open('x') as f:\n    x = (1, 2)\nlib.show(x)",
    "a walrus": "if (x := (1, 2)): pass\nlib.show(x)",
    "a text": "model = 'a'\nlib.show((1, 2) if model.upper() == 'A' else 3)",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_constant_is_followed_through(way: str) -> None:
    (found,) = shown(a=f"import lib\n{WAYS[way]}")
    assert found == (1, 2), way


UNKNOWN = {
    "a parameter without default": "def f(x): lib.show(x)",
    "input": "x = input()\nlib.show(x)",
    "a sum in a loop": "x = 0\nfor i in range(n): x += 1\nlib.show(x)",
    "a key that is not there": "lib.show({'a': 1}['b'])",
    "a call of itself": "def f(x): return f(x)\nlib.show(f(1))",
    "arguments that are not known": "def f(x=1): lib.show(x)\nf(**options)",
    "division by zero": "lib.show(1 / 0)",
    "a huge power": "lib.show(10 ** 10 ** 10)",
}


@pytest.mark.parametrize("way", UNKNOWN)
def test_what_cannot_be_told_is_unknown(way: str) -> None:
    assert shown(a=f"import lib\n{UNKNOWN[way]}") == ["?"], way


def test_names_of_other_files_are_followed() -> None:
    found = shown(
        pkg__constants="MEAN = (1, 2)",
        pkg__data="from .constants import MEAN as m\nimport pkg.constants as c\nimport lib\nlib.show(m)\nlib.show(c.MEAN)",
        main="from pkg.data import *\nimport lib\nlib.show(m)",
    )
    assert found == [(1, 2)] * 3


def test_files_that_import_each_other_are_followed_once() -> None:
    assert shown(a="import b, lib\nX = 1\nlib.show(b.Y)", b="import a\nY = 2") == [2]


def test_a_folder_with_the_name_of_a_library_does_not_hide_it() -> None:
    (found,) = calls("torch.tensor", torch__train="import torch\ntorch.tensor(x)", torch__other="")
    assert found.function == "torch.tensor"


def test_a_value_of_two_branches_has_both_and_a_test_of_the_same_name_tells_them_apart() -> None:
    code = """
        import lib
        def f(model):
            if model == "a":
                x = 1
            elif model in ("b", "c"):
                x = 2
            else:
                raise ValueError(model)
            lib.show(x)
            if model == "b":
                lib.show(x)
            elif model == "a":
                lib.show(x)
            elif model == "a":
                lib.show("dead")
    """
    assert shown(a=code) == [{1, 2}, 2, 1]


def test_a_default_of_the_user_leaves_both_branches_open_and_a_constant_does_not() -> None:
    code = "import lib\ndef f(train=True):\n    lib.show(1 if train else 2)\n"
    assert shown(a=code) == [{1, 2}]
    assert shown(a=code + "f(False)") == [2]


def test_the_rest_of_a_function_holds_what_a_return_left() -> None:
    code = "import lib\ndef f(train):\n    if train:\n        return 1\n    lib.here()\n    return 2\nlib.show(f(x))"
    (here,) = calls("lib.here", a=code)
    assert [str(each) for each in here.decisions] == ["not train"]
    assert shown(a=code) == [{1, 2}]


def test_a_match_is_a_chain_of_branches() -> None:
    code = "import lib\ndef f(m):\n    match m:\n        case 'a' | 'b': x = 1\n        case _: x = 2\n    lib.show(x)"
    assert shown(a=code) == [{1, 2}]


def test_attributes_set_in_a_branch_are_joined() -> None:
    code = (
        "import lib\nclass C:\n    def __init__(self, a):\n        self.x = 1\n        if a: self.x = 2\n        lib.show(self.x)"
    )
    assert shown(a=code) == [{1, 2}]


def test_functions_handed_to_a_library_run_in_the_program_that_hands_them() -> None:
    found = calls("lib.show", data="import lib\ndef prepare(x): lib.show(1)", main="import lib, data\nlib.map(data.prepare)")
    assert {each.entry for each in found} == {"main.py"}


def test_methods_that_nobody_calls_run_with_an_object_that_somebody_made() -> None:
    code = "import lib\nclass D:\n    def __init__(self, t): self.t = t\n    def __getitem__(self, i): lib.show(self.t)\nd = D(7)"
    assert shown(a=code) == [7]


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "(" * 9000 + "1" + ")" * 9000,
        "x = " + "-" * 20_000 + "1",
        "x = 1" + " + 1" * 20_000,
        "def f(:\n",
        "print 'Python 2'",
        "x = '\0'",
    ],
)
def test_code_that_cannot_be_parsed_or_is_too_deep_is_no_crash(text: str) -> None:
    found = parsed(Document("a.py", "python", text))
    assert isinstance(found, Skipped) or run(a=text).log is not None


def test_code_that_would_run_for_ever_stops() -> None:
    code = "def f(n):\n    return g(n) + g(n)\ndef g(n):\n    return h(n) + h(n)\ndef h(n):\n    while True: f(n); g(n)\nf(1)\n"
    assert run(a=code * 50).log is not None


@pytest.mark.parametrize("text", ["x = a[0:1" + " + 1" * 900 + "]", "x = a" + ".b" * 900, "x = 1" + " + 1" * 900])
def test_what_is_too_deep_to_follow_is_stated_or_unknown_and_the_rest_is_judged(text: str) -> None:
    found = run(a=f"import lib\nlib.show(1)\n{text}\nlib.show(2)\n")
    shown_calls = [each for each in found.log if each.function == "lib.show"]
    assert len(shown_calls) == 2 or found.cut == {"a.py"}


def test_an_expression_that_python_cannot_take_apart_is_stated() -> None:
    assert run(a="x = a[0:1" + " + 1" * 900 + "]").cut == {"a.py"}


LONG = "    lib.load(1)\n" * 9000


def test_a_function_at_its_limit_does_not_take_the_rest_of_its_file() -> None:
    found = run(a=f"import lib\ndef first(x):\n{LONG}def second(x):\n    lib.show(x)\n")
    assert [each.function for each in found.log if each.entry == "a.py::second"] == ["lib.show"]
    assert found.cut == {"a.py::first"}


def test_a_file_is_cut_off_only_where_something_is_left() -> None:
    several = "".join(f"def f{each}(x):\n{LONG}" for each in range(3))
    cut = {f"a.py::f{each}" for each in range(3)}
    assert run(a=f"import lib\n{several}").cut == cut
    assert run(a=f"import lib\n{several}def g(x):\n    lib.show(x)\n").cut == {*cut, "a.py"}


def test_a_short_function_is_followed_at_each_of_many_calls_and_a_long_one_is_not() -> None:
    many = "".join(f"f({each})\n" for each in range(100))
    short = run(a=f"import lib\ndef f(x): lib.normalize(x)\n{many}")
    assert sum(each.function == "lib.normalize" for each in short.log) == 100
    long = run(a="import lib\ndef f(x):\n    lib.normalize(x)\n" + "    lib.load(1)\n" * 20 + many)
    assert 16 <= sum(each.function == "lib.normalize" for each in long.log) < 100


def test_nothing_of_a_run_waits_for_a_collection() -> None:
    gc.collect()
    gc.disable()
    try:
        judged([Document("a.py", "python", "class C:\n    def f(self): return mean\nc = C()\ndef g(): return g\nmean = c.f()\n")])
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_giant_literal_is_unknown_and_quick() -> None:
    assert shown(a="import lib\nlib.show([" + "1," * 50_000 + "])") == ["?"]


@pytest.mark.parametrize("again", ["x = [x, x]", "x = (x, [x])", "x = np.array([x, x])\nx = x / 255", "x = x + [x, x]"])
def test_lists_that_hold_each_other_twice_are_unknown_before_they_are_too_many(again: str) -> None:
    code = "import lib, numpy as np\nx = [0]\n" + f"{again}\n" * 60 + "lib.show(x == [0])\nlib.show([[1, 2], [3]])\n"
    assert shown(a=code)[-1] == ((1, 2), (3,))


def test_places_count_characters_and_not_bytes() -> None:
    (found,) = calls("lib.show", a='import lib\nx = "äöü"; lib.show(x)')
    assert (found.spot.place.line, found.spot.place.column, found.spot.place.end_column) == (2, 12, 23)


numbers = st.floats(-1e3, 1e3, allow_nan=False).map(lambda value: round(value, 3))


@given(st.lists(numbers, min_size=1, max_size=4), numbers.filter(bool), st.sampled_from(["+", "-", "*", "/"]))
def test_arithmetic_on_arrays_is_that_of_numpy(values: list[float], other: float, symbol: str) -> None:
    import numpy as np

    (found,) = shown(a=f"import lib, numpy as np\nlib.show(np.array({values}) {symbol} {other})")
    expected = eval(f"values {symbol} other", {"values": np.array(values), "other": other})  # noqa: S307 (our own text)
    assert found == pytest.approx(tuple(expected))


@given(st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=4, unique=True), st.sampled_from("abcd"))
def test_branches_on_a_name_are_those_that_python_takes(cases: list[str], value: str) -> None:
    chain = "".join(f"{'el' if index else ''}if m == {case!r}: x = {index}\n" for index, case in enumerate(cases))
    known = f"import lib\nm = {value!r}\n{chain}else: x = 99\nlib.show(x)"
    scope: dict[str, object] = {"m": value}
    exec(f"{chain}else: x = 99", scope)  # noqa: S102 (our own text)
    assert shown(a=known) == [scope["x"]]


@pytest.mark.parametrize(
    "code",
    [
        "import click\n@click.command()\n@click.option('--size', '-s', default=3)\ndef main(size):\n    lib.show(size)\nmain()",
        "import click\n@click.command()\n@click.option('--my-size', 'size', default=3)\ndef main(size):\n    lib.show(size)\nmain()",
        "import typer\ndef main(size: int = typer.Option(3, help='x')):\n    lib.show(size)\ntyper.run(main)",
        "from dataclasses import dataclass, field\n@dataclass\nclass C:\n    size: int = field(default_factory=lambda: 3)\nlib.show(C().size)",
    ],
)
def test_defaults_of_command_lines_and_fields(code: str) -> None:
    assert shown(main=f"import lib\n{code}") == [3]


def test_a_module_that_is_named_by_a_text_is_imported() -> None:
    code = "import lib, importlib\nname = 'a'\nlib.show(importlib.import_module(f'configs.{name}').size)"
    assert shown(main=code, configs__a="size = 3", configs__b="size = 4") == [3]


def test_what_another_file_has_made_belongs_to_the_program_that_takes_it() -> None:
    found = run(main="from a import table\ntable['x']", a="import lib\ntable = {'x': lib.show(1)}")
    assert [each.function for each in found.used["main.py"].values()] == ["lib.show"]


def _cached(decorator: str) -> str:
    return (
        f"import lib, functools\nfrom functools import cache, lru_cache\n@{decorator}\ndef table(n=3): return lib.normalize(n)\n"
    )


@pytest.mark.parametrize(
    "decorator", ["cache", "functools.cache", "lru_cache", "lru_cache(maxsize=None)", "functools.lru_cache(1)"]
)
def test_a_function_that_keeps_its_result_is_followed_once_for_all_programs(decorator: str) -> None:
    many = "from table import table\n" + "lib.show(table())\n" * 40
    found = run(table=_cached(decorator), a=many, b=many)
    made = [each for each in found.log if each.function == "lib.normalize"]
    assert [plain(each.args[0]) for each in made] == [3]
    assert (made[0].entry, found.cut) == ("table.py", set())
    assert {name for name, used in found.used.items() if id(made[0]) in used} == {"a.py", "b.py"}


def test_a_function_that_keeps_its_result_gives_it_to_each_caller() -> None:
    code = "@functools.cache\ndef pair(): return 1, 2\ndef show(): lib.show(pair())\nlib.show(pair())\n"
    assert shown(a="import lib, functools\n" + code) == [(1, 2), (1, 2)]


def test_a_function_that_keeps_its_result_and_has_arguments_is_followed_for_each_call() -> None:
    assert shown(a="import lib, functools\n@functools.cache\ndef f(x=1): return x\nlib.show(f(2))\nlib.show(f())\n") == [2, 1]


def test_a_function_that_keeps_its_result_and_calls_itself_is_unknown() -> None:
    assert shown(a="import lib, functools\n@functools.cache\ndef f(): return f()\nlib.show(f())\n") == ["?"]


def test_an_inner_function_that_keeps_its_result_is_made_anew_by_each_call_of_the_outer_one() -> None:
    code = "def f(x):\n    @functools.cache\n    def g(): return x\n    return g()\nlib.show(f(1))\nlib.show(f(2))\n"
    assert shown(a="import lib, functools\n" + code) == [1, 2]


@pytest.mark.parametrize(("before", "given", "seen"), [("None", "[1]", (1,)), ("[2]", "[1]", {(2,), (1,)}), ("2", "1", 2)])
@pytest.mark.parametrize("is_above", [False, True])
def test_a_variable_of_a_module_has_what_a_function_gives_it_but_for_numbers(
    before: str, given: str, seen: object, is_above: bool
) -> None:
    show, give = "def f():\n    lib.show(m)\n", f"def g():\n    global m\n    m = {given}\n"
    assert shown(a=f"import lib\nm = {before}\n{show + give if is_above else give + show}") == [seen]


@pytest.mark.parametrize(("options", "seen"), [("", [1, 1]), (", collate_fn=f", ["?", "?"])])
def test_a_loop_over_a_loader_gets_what_the_dataset_gives(options: str, seen: list[object]) -> None:
    code = (
        "import lib\nfrom torch.utils.data import DataLoader\nclass D:\n    def __getitem__(self, i): return 1, i\n"
        f"d = DataLoader(D(){options})\nfor x, _ in d: lib.show(x)\nfor i, (x, _) in enumerate(d): lib.show(x)\n"
    )
    assert shown(a=code) == seen


def test_calling_a_module_is_its_forward() -> None:
    code = "import lib, torch\nclass {0}:\n    def forward(self, x): return x\nlib.show(N()(1))\n"
    assert shown(a=code.format("N(torch.nn.Module)")) == [1]
    assert shown(a=code.format("N")) == ["?"]
