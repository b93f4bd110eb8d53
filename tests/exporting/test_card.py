from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tare.exporting.card import card, escaped
from tare.exporting.formats import timm
from tare.input_spec.geometry import Geometry
from tare.networks.stored.trained import open_trained
from tests.tiny_run import tiny_run

HOSTILE = ("<script>alert(1)</script>", "a\n# heading\n![x](http://evil)", "[click](javascript:x) `code` |")


def test_it_states_the_constants_their_origin_and_the_evidence_with_n(tmp_path: Path) -> None:
    trained = open_trained(tiny_run(tmp_path))
    text = card(trained, timm.LOADING, 40)
    assert "| red | 0.4 | 0.2 |" in text
    assert "Strategy **source**: the mean and std that the network was pretrained with" in text
    assert "Source constants: 0.5, 0.5, 0.5 (mean), origin: timm" in text
    assert "Validation accuracy **50.0%** (n = 40 validation images, 95% interval 35.2% to 64.8%" in text
    assert 'timm.create_model("local-dir:DIR", pretrained=True)' in text
    assert "Not stated: it depends on the pretrained weights and on your data" in text


def test_what_is_not_known_is_said(tmp_path: Path) -> None:
    run = tiny_run(tmp_path)
    trained = open_trained(run)
    assert "the number of validation images is not known" in card(trained, [], None)
    document = json.loads((run / "model" / "tare.json").read_text())
    damaged: list[dict[str, Any]] = [
        {"evidence": None, "source_spec": 3, "target_stats": []},
        {"evidence": {"val_accuracy": "high"}},
    ]
    for broken in damaged:
        (run / "model" / "tare.json").write_text(json.dumps(document | broken))
        assert "No validation accuracy is recorded" in card(open_trained(run), [], 5)


def test_it_says_in_which_mode_images_are_taken(tmp_path: Path) -> None:
    """The loaders of timm and transformers take a palette's numbers for grey values."""
    said = 'Pixels are taken as stored, without EXIF orientation, and in one mode: `image.convert("RGB")` of Pillow.'
    assert said in card(open_trained(tiny_run(tmp_path / "bytes")), [], None)
    deep = tiny_run(tmp_path / "deep", geometry=Geometry((32, 32), raw_dtype="uint16"), with_data=False)
    assert "Pixels are taken" not in card(open_trained(deep), [], None)


def test_the_strategy_sample_has_no_table(tmp_path: Path) -> None:
    text = card(open_trained(tiny_run(tmp_path, "sample")), [], None)
    assert "**sample**: each sample's own mean and std" in text
    assert "| channel |" not in text


def test_what_comes_before_the_constants_stands_in_the_formula(tmp_path: Path) -> None:
    cut = card(open_trained(tiny_run(tmp_path / "cut", "percentile")), [], None)
    assert "| channel | mean | std | low | high |\n|---|---|---|---|---|\n| red | " in cut
    assert "reaches the network as (clip(v / 255, low, high) - mean) / std" in cut
    logged = card(open_trained(tiny_run(tmp_path / "logged", "log1p")), [], None)
    assert "A raw value v of 0..255 reaches the network as (log1p(v) - mean) / std" in logged


def test_names_of_classes_cannot_write_the_page(tmp_path: Path) -> None:
    run = tiny_run(tmp_path, classes=HOSTILE, with_data=False)
    lines = card(open_trained(run), [], None).splitlines()
    assert not any("<script" in line or line.startswith("# heading") for line in lines)
    numbered = [line for line in lines if line.startswith(("0. ", "1. ", "2. "))]
    assert len(numbered) == 3
    assert "](" not in "".join(numbered)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words 1.5", "plain words 1.5"),
        ("<b>", "&lt;b&gt;"),
        ("a*b_c", r"a\*b\_c"),
        ("- item", "&#45; item"),
        ("12. item", "&#49;2. item"),
        ("see https://x", "see https&#58;//x"),
        ("a\r\n\x00b\u202ec", "a b c"),
        ("\udcff", "?"),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_markdown_shows_a_name_as_it_is(text: str, shown: str) -> None:
    assert escaped(text) == shown
