"""Files for a network that the user states."""

from __future__ import annotations

import pytest

from tare.checking.repository.api import examined
from tare.code.files.document import Document

HALVES = "[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]"
IMAGENET = "[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]"
OWN = "[0.31, 0.32, 0.33], [0.21, 0.22, 0.23]"


def codes(constants: str, network: str | None, more: str = "") -> list[str]:
    code = f"""
from torchvision import transforms as T
{more}
val = T.Compose([T.Resize(224), T.CenterCrop(224), T.ToTensor(), T.Normalize({constants})])
"""
    return [each.code for each in examined([Document("data.py", "python", code)], network=network)]


@pytest.mark.parametrize(
    ("constants", "network", "found"),
    [
        (HALVES, "timm:resnet50.a1_in1k", ["TARE005"]),
        (IMAGENET, "timm:resnet50.a1_in1k", []),
        (IMAGENET, "transformers:google/vit-base-patch16-224", ["TARE005"]),
        (HALVES, "transformers:google/vit-base-patch16-224", []),
        (OWN, "timm:resnet50.a1_in1k", []),  # statistics of one's own data are a choice
        (HALVES, None, []),
    ],
)
def test_constants_of_another_network_are_found(constants: str, network: str | None, found: list[str]) -> None:
    assert codes(constants, network) == found


def test_a_file_that_makes_a_network_of_its_own_is_left_to_the_rules() -> None:
    own = "import timm\nmodel = timm.create_model('vit_base_patch16_224.augreg_in21k', pretrained=True)"
    assert codes(HALVES, "timm:resnet50.a1_in1k", own) == []


def test_the_message_has_both_constants_and_who_states_them() -> None:
    code = f"from torchvision import transforms as T\nval = T.Compose([T.ToTensor(), T.Normalize({HALVES})])\n"
    (found,) = examined([Document("data.py", "python", code)], network="timm:resnet50.a1_in1k")
    assert "mean (0.485, 0.456, 0.406) and std (0.229, 0.224, 0.225)" in found.message
    assert "timm:resnet50.a1_in1k, which is stated for this file" in found.message
    assert found.place.line == 2
