"""Configurations as the values of the code that loads them."""

from __future__ import annotations

import pytest

from tare.code.interpreter.values import Items
from tests.code.interpreted import calls, shown

YAML = "data:\n  mean: [0.5, 0.25]\nname: ${data.kind}\nother: ${oc.env:HOME}\n"


@pytest.mark.parametrize(
    "code",
    [
        "import yaml\nwith open('a.yaml') as f:\n    c = yaml.safe_load(f)",
        "import yaml\nc = yaml.load(open('a.yaml').read(), Loader=yaml.FullLoader)",
        "import yaml, os\nHERE = os.path.dirname(__file__)\nc = yaml.safe_load(open(os.path.join(HERE, 'a.yaml')))",
        "import yaml\nfrom pathlib import Path\nc = yaml.safe_load((Path(__file__).parent / 'a.yaml').read_text())",
        "import yaml\ndef load(path):\n    with open(path) as f:\n        return yaml.safe_load(f)\nc = load('./a.yaml')",
        "import yaml, argparse\np = argparse.ArgumentParser()\np.add_argument('--config', default='a.yaml')\n"
        "c = yaml.safe_load(open(p.parse_args().config))",
        "from omegaconf import OmegaConf\nc = OmegaConf.load('a.yaml')",
    ],
)
def test_what_is_loaded_is_what_the_file_says(code: str) -> None:
    program = f"import lib\n{code}\nlib.show(c['data']['mean'])\nlib.show(c.data.mean)\n"
    assert shown(main=program, **{"a.yaml": YAML}) == [(0.5, 0.25)] * 2


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("a.json", '{"std": [1, 2]}', "import json\nc = json.load(open('a.json'))"),
        ("a.toml", "std = [1, 2]", "import tomllib\nwith open('a.toml', 'rb') as f:\n    c = tomllib.load(f)"),
    ],
)
def test_other_formats(name: str, text: str, code: str) -> None:
    assert shown(main=f"import lib\n{code}\nlib.show(c['std'])", **{name: text}) == [(1, 2)]


def test_a_reference_is_followed_and_one_to_the_outside_is_not() -> None:
    code = "import lib, yaml\nc = yaml.safe_load(open('a.yaml'))\nlib.show(c['b'])\nlib.show(c['other'])"
    assert shown(main=code, **{"a.yaml": "a: {x: 3}\nb: ${a.x}\nother: ${oc.env:HOME}\n"}) == [3, "?"]


def test_values_know_their_place_in_the_file() -> None:
    code = "import lib, yaml\nlib.show(yaml.safe_load(open('a.yaml'))['data']['mean'])"
    (call,) = calls("lib.show", main=code, **{"a.yaml": YAML})
    value = call.args[0]
    assert isinstance(value, Items)
    assert value.spot is not None
    assert (value.spot.place.path, value.spot.place.line, value.spot.line) == ("a.yaml", 2, "  mean: [0.5, 0.25]")


def test_a_file_that_is_not_there_or_not_alone_is_unknown() -> None:
    code = "import lib, yaml\nlib.show(yaml.safe_load(open('a.yaml')))"
    assert shown(main=code) == ["?"]
    assert shown(main=code, **{"x/a.yaml": "1", "y/a.yaml": "2"}) == ["?"]
    assert shown(main=code, **{"x/a.yaml": "1"}) == [1]


def test_a_file_of_data_is_not_turned_into_values() -> None:
    code = "import lib, json\nlib.show(json.load(open('a.json')))"
    assert shown(main=code, **{"a.json": "[" + "1, " * 5000 + "1]"}) == ["?"]


HYDRA = "import lib, hydra\n@hydra.main(config_path='conf', config_name='config')\ndef main(cfg):\n    lib.show({})\nmain()"


def test_hydra_composes_the_groups_that_defaults_name() -> None:
    files = {"conf/config.yaml": "defaults: [data: a, _self_]\nseed: 1\n", "conf/data/a.yaml": "mean: 2\nseed: 3\n"}
    for asked, wanted in (("cfg.seed", 1), ("cfg.data.mean", 2), ("cfg.data.seed", 3)):
        assert shown(main=HYDRA.format(asked), **files) == [wanted]


def test_the_order_of_self_decides_and_a_global_package_lies_at_the_root() -> None:
    files = {"conf/config.yaml": "defaults: [_self_, data: a]\nmean: 1\n", "conf/data/a.yaml": "# @package _global_\nmean: 2\n"}
    assert shown(main=HYDRA.format("cfg.mean"), **files) == [2]


def test_files_that_name_each_other_in_a_circle_end() -> None:
    files = {"conf/config.yaml": "defaults: [config]\nmean: 1\n"}
    assert shown(main=HYDRA.format("cfg.mean"), **files) == [1]


def test_instantiate_makes_what_a_target_names() -> None:
    files = {"conf/config.yaml": "t:\n  _target_: lib.show\n  _partial_: false\n  x: 4\n"}
    (call,) = calls("lib.show", main=HYDRA.format("0").replace("lib.show(0)", "hydra.utils.instantiate(cfg.t)"), **files)
    assert [*call.keywords] == ["x"]
