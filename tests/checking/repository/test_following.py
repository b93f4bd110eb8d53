"""Groups of files, each followed by itself."""

from __future__ import annotations

import gc
import weakref

from hypothesis import given, settings
from hypothesis import strategies as st

from tare.checking.repository.api import judged
from tare.checking.repository.following import Follower
from tare.code.files.document import Document
from tare.code.interpreter import source
from tests.code.interpreted import documents

TRAIN = (
    "import torchvision.transforms as T\nfrom constants import MEAN, STD\n"
    "train_tf = T.Compose([T.ToTensor(), T.Normalize(MEAN, STD)])\nloss.backward()\n"
)
CONSTANTS = "MEAN = [0.485, 0.456, 0.406]\nSTD = [0.229, 0.224, 0.255]\n"
SERVE = (
    "import torch, torchvision.transforms as T\nnet.load_state_dict(torch.load('a.pt'))\n"
    "t = T.Compose([T.ToTensor()])\nt(image)\n"
)
DYNAMIC = (
    "import importlib\nname = 'constants'\nfound = importlib.import_module(name)\n"
    "x = normalize(i, mean=found.MEAN, std=found.STD)\n"
)


def followed(**texts: str) -> list[frozenset[str]]:
    return [each.imported for each in Follower(documents(**texts)).groups()]


def test_each_group_is_followed_by_itself() -> None:
    assert followed(constants=CONSTANTS, train=TRAIN, serve=SERVE) == [{"constants.py", "train.py"}, {"serve.py"}]


def test_groups_are_one_where_a_file_turns_out_to_import_another() -> None:
    assert followed(alone=DYNAMIC, constants=CONSTANTS, serve=SERVE) == [{"alone.py", "constants.py"}, {"serve.py"}]
    found = judged(documents(alone=DYNAMIC, constants=CONSTANTS)).findings
    assert [(each.code, each.place.path) for each in found] == [("TARE100", "constants.py")]


def test_rules_across_groups_see_them_all() -> None:
    found = judged(documents(constants=CONSTANTS.replace("0.255", "0.225"), train=TRAIN, serve=SERVE)).findings
    assert [(each.code, each.place.path) for each in found] == [("TARE050", "serve.py")]
    assert found[0].evidence[0].place.path == "train.py"


@settings(max_examples=20)
@given(st.permutations(documents(alone=DYNAMIC, constants=CONSTANTS, train=TRAIN, serve=SERVE)))
def test_the_order_in_which_files_are_given_changes_nothing(given_in: list[Document]) -> None:
    assert judged(given_in) == judged(documents(alone=DYNAMIC, constants=CONSTANTS, train=TRAIN, serve=SERVE))


def test_no_tree_of_a_group_is_kept_for_the_next(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """The trees alive when a file is parsed are those of its own group, without a collection."""
    alive: list[int] = []
    trees: list[weakref.ref[object]] = []
    parse = source.tree_of

    def counted(text: str) -> object:
        alive.append(sum(each() is not None for each in trees))
        tree = parse(text)
        trees.append(weakref.ref(tree))
        return tree

    monkeypatch.setattr(source, "tree_of", counted)
    gc.disable()
    try:
        Follower(documents(**{f"train{each}": TRAIN.replace("from constants", "from none") for each in range(9)})).groups()
    finally:
        gc.enable()
    assert alive == [0] * 9
