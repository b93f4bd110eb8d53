"""Folding over timm's families; ``python -m benchmarks.fold_architectures`` tries one architecture of every one of them."""

from __future__ import annotations

import copy

import pytest
import timm
import torch

from tare.errors import ModelError
from tare.folding.api import fold, folded
from tests.folding.test_api import CAFFE, IMAGENET, difference, inputs, normalised

FAMILIES = (
    "test_byobnet", "test_coatnet", "test_convnext", "test_efficientnet", "test_mambaout", "test_nfnet", "test_resnet",
    "test_vit", "test_vit_relpos", "convit_tiny", "cs3darknet_focus_s", "davit_tiny", "deit_tiny_patch16_224",
    "edgenext_xx_small", "efficientformer_l1", "efficientvit_b0", "efficientvit_m0", "ese_vovnet19b_slim_dw", "fasternet_t0",
    "fastvit_t8", "gcvit_xxtiny", "ghostnet_050", "hardcorenas_b", "hgnetv2_b0", "lcnetv2_small", "legacy_seresnet18",
    "levit_128s", "mobilenetv3_small_050", "mobilevit_xxs", "pit_ti_224", "pvt_v2_b0", "regnetx_002", "repghostnet_050",
    "repvit_m1", "rexnet_100", "selecsls42", "shvit_s1", "skresnet18", "starnet_s050", "swiftformer_xs",
    "swin_tiny_patch4_window7_224", "tiny_vit_5m_224", "resnetv2_18", "vit_tiny_r_s16_p8_224", "xcit_nano_12_p8_224",
)  # fmt: skip


def test_at_least_thirty_families_are_tried() -> None:
    modules = {timm.model_entrypoint(name).__module__ for name in FAMILIES}
    assert len(modules) == len(FAMILIES) == 45


@pytest.mark.long
@pytest.mark.parametrize("name", FAMILIES)
def test_an_architecture_of_every_family_folds_in_both_precisions(name: str) -> None:
    torch.manual_seed(0)
    model = timm.create_model(name).eval()
    shape = model.pretrained_cfg["input_size"]
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.float64, 1e-12)):
        model = model.to(dtype)
        made = folded(model, IMAGENET)
        assert made.verification.layer_error < tolerance
        assert difference(made.network.eval(), model, IMAGENET, inputs("unit", shape, seed=1)) < tolerance
    assert difference(fold(model, CAFFE, "uint8").eval(), model, CAFFE, inputs("uint8", shape, seed=1)) < 1e-12


@pytest.mark.long
def test_an_architecture_that_amplifies_rounding_folds_as_well_as_it_computes() -> None:
    torch.manual_seed(0)
    model = timm.create_model("visformer_tiny").eval()
    values = inputs("unit", (3, 224, 224), seed=1)
    exact = copy.deepcopy(model).double()
    network = fold(model, IMAGENET).eval()
    with torch.no_grad():
        reference = exact(normalised(values, IMAGENET))
        own, ours = model(normalised(values, IMAGENET).float()), network(values.float())
    assert (own - reference).abs().max() > 1e-5 * reference.abs().max()
    assert (ours - reference).abs().max() < 3 * (own - reference).abs().max()
    assert difference(fold(exact, IMAGENET).eval(), exact, IMAGENET, values) < 1e-12


@pytest.mark.parametrize(("name", "reason"), [("crossvit_tiny_240", "upsample_bicubic2d"), ("csatv2", "mul on it in 'stem_dct'")])
def test_architectures_that_compute_on_their_input_are_refused(name: str, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        fold(timm.create_model(name), IMAGENET)
