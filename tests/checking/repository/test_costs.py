"""What mistakes cost: measured numbers, and nothing where there are none."""

from __future__ import annotations

import json
from pathlib import Path

from tare.checking.repository.api import examined
from tare.checking.repository.costs import _OF_CODES, PATH, cost, cost_of_code
from tare.checking.rules.index import index
from tare.code.files.document import Document

ROOT = Path(__file__).parents[3]


def test_every_cost_is_of_a_rule_and_was_measured() -> None:
    named = json.loads(PATH.read_text(encoding="utf-8"))["named"]
    assert set(_OF_CODES) <= set(index())
    assert set(_OF_CODES.values()) <= set(named)


def test_the_page_has_the_numbers_that_are_quoted() -> None:
    found = json.loads(PATH.read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "check.md").read_text(encoding="utf-8").partition("<!-- costs -->")[2].partition("<!-- end")[0]
    counts = [
        float(line.rsplit("|", 2)[1]) for line in page.splitlines() if line.startswith("| ") and "named rightly" not in line
    ]
    assert sorted(counts) == sorted([*found["named"].values(), found["right"]])


def test_what_was_not_measured_has_no_cost() -> None:
    assert cost("nothing") == cost_of_code("TARE104") == ""


def test_a_cost_is_a_sentence_that_needs_no_table() -> None:
    said = "of 100 ImageNet photos, a MobileNet names 62 rightly when fed as in training, and"
    assert cost("exchanged") == f"{said} 53 when fed so"
    assert cost("unit signed") == f"{said} 60 when fed so (a difference this small may be chance)"


def test_findings_quote_what_their_mistake_costs() -> None:
    text = "from torchvision import transforms as T\nT.Normalize([0.229, 0.224, 0.225], [0.485, 0.456, 0.406])\n"
    (each,) = examined([Document("main.py", "python", text)])
    assert each.cost == cost("exchanged") != ""


def test_a_cost_is_of_the_range_that_the_network_expects() -> None:
    head = "from torchvision import models, transforms as T\nimport timm\n"
    halves = "t = T.Compose([T.ToTensor(), T.Normalize([0.5] * 3, [0.5] * 3)])\n"
    imagenet = "t = T.Compose([T.ToTensor(), T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])\n"
    vit = "net = timm.create_model('vit_base_patch16_224.augreg_in21k', pretrained=True)\n"
    clip = "net = timm.create_model('vit_base_patch32_clip_224.openai', pretrained=True)\n"
    programs = {
        "halves": "net = models.resnet18(pretrained=True)\n" + halves,
        "imagenet": vit + imagenet,
        "nothing": clip + imagenet,
    }
    for key, text in programs.items():
        (each,) = examined([Document("main.py", "python", head + text)])
        assert (each.code, each.cost) == ("TARE005", cost(key))
