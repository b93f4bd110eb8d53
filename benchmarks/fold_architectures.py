"""``python -m benchmarks.fold_architectures [NAME ...] [--json FILE]``: fold one small architecture of every family of timm.

Weights are random. Every network is folded for unit values under ImageNet's constants, in float32 and in float64, and verified
against normalising first; what is refused is listed with its reason. Half an hour and 12 GB of memory for all of them.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import timm
import torch

from tare.errors import ModelError
from tare.folding.api import folded
from tare.input_spec.spec import InputSpec

#: The smallest architecture of each module of timm 1.0.31.
NAMES = [
    "beit_base_patch16_224",
    "halonet_h1",
    "test_byobnet",
    "cait_xxs24_224",
    "coat_tiny",
    "convit_tiny",
    "convmixer_768_32",
    "test_convnext",
    "cpubone_nano",
    "crossvit_tiny_240",
    "csatv2",
    "cs3darknet_focus_s",
    "cspnext_tiny",
    "davit_tiny",
    "deepseek_vit_412m",
    "deit_tiny_patch16_224",
    "densenet121",
    "dla46x_c",
    "dpn48b",
    "edgenext_xx_small",
    "efficientformer_l1",
    "efficientformerv2_s0",
    "test_efficientnet",
    "efficientvim_m1",
    "efficientvit_b0",
    "efficientvit_m0",
    "vit_tiny_patch16_dinov3_qkvb",
    "fasternet_t0",
    "fastvit_t8",
    "focalnet_tiny_srf",
    "gcvit_xxtiny",
    "gemma4_vit_167m",
    "ghostnet_050",
    "hardcorenas_b",
    "hgnetv2_b0",
    "hiera_tiny_224",
    "sam2_hiera_tiny",
    "hrnet_w18_small",
    "iformer_t",
    "inception_next_atto",
    "inception_resnet_v2",
    "inception_v3",
    "inception_v4",
    "lcnetv2_small",
    "levit_128s",
    "lowformer_b0",
    "test_mambaout",
    "test_coatnet",
    "poolformerv2_s12",
    "gmlp_ti16_224",
    "mobilenetv3_small_050",
    "mobilenetv5_base",
    "mobilevit_xxs",
    "mvitv2_tiny",
    "naflexvit_base_patch16_parfac_gap",
    "nasnetalarge",
    "nest_tiny",
    "nextvit_small",
    "test_nfnet",
    "pit_ti_224",
    "pnasnet5large",
    "pvt_v2_b0",
    "qwen3_vit_88m",
    "rdnet_tiny",
    "regnetx_002",
    "repghostnet_050",
    "repvit_m1",
    "res2next50",
    "resnest14d",
    "test_resnet",
    "resnetv2_18",
    "rexnet_100",
    "selecsls42",
    "legacy_seresnet18",
    "sequencer2d_s",
    "shvit_s1",
    "skresnet18",
    "starnet_s050",
    "swiftformer_xs",
    "swin_tiny_patch4_window7_224",
    "swinv2_tiny_window8_256",
    "swinv2_cr_tiny_224",
    "tiny_vit_5m_224",
    "tnt_s_legacy_patch16_224",
    "tresnet_m",
    "twins_svt_small",
    "vgg11",
    "visformer_tiny",
    "test_vit",
    "vit_tiny_r_s16_p8_224",
    "test_vit_relpos",
    "samvit_base_patch16_224",
    "vitamin_small_224",
    "volo_d1_224",
    "ese_vovnet19b_slim_dw",
    "legacy_xception",
    "xception41p",
    "xcit_nano_12_p8_224",
]

_IMAGENET = InputSpec.of((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), raw_dtype="uint8")
_DTYPES = (torch.float32, torch.float64)
_LARGEST_DOUBLE = 150_000_000


def main() -> None:
    """Fold, print a table, and count."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fold_architectures", description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write one JSON object a line")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    print("| architecture | first layer | method | float32: layer, network | float64: layer, network |\n|---|---|---|---|---|")
    for row in results(arguments.names):
        rows.append(row)
        print(_line(row), flush=True)
    done = sum("refused" not in row for row in rows)
    print(f"\n{done} of {len(rows)} folded")
    if arguments.json is not None:
        arguments.json.write_text("".join(json.dumps(row) + "\n" for row in rows))


def results(names: list[str]) -> Iterator[dict[str, Any]]:
    """One row for each name: the layers folded and the errors, or why not."""
    for name in names:
        torch.manual_seed(0)
        model = timm.create_model(name).eval()
        row: dict[str, Any] = {"name": name, "parameters": sum(parameter.numel() for parameter in model.parameters())}
        begun = time.perf_counter()
        for dtype in _DTYPES:
            if dtype == torch.float64 and row["parameters"] > _LARGEST_DOUBLE:
                continue
            try:
                made = folded(model.to(dtype), _IMAGENET)
            except ModelError as error:
                row["refused"] = str(error)
                break
            row["layers"] = [(layer.name, layer.kind, layer.form.method) for layer in made.plan.layers]
            row["subtracts"] = made.plan.front is not None
            row["same_code"] = made.plan.keeps_architecture
            checked = made.verification
            row[str(dtype).removeprefix("torch.")] = (checked.layer_error, checked.network_error, len(checked.shapes))
        row["seconds"] = time.perf_counter() - begun
        yield row


def _line(row: dict[str, Any]) -> str:
    if "refused" in row:
        return f"| {row['name']} | refused: {row['refused']} | | | |"
    layers = ", ".join(f"{name}" for name, _, _ in row["layers"])
    methods = ", ".join("subtracted in front" if row["subtracts"] else method for _, _, method in row["layers"])
    errors = ["{:.0e}, {:.0e}".format(*row[kind]) if kind in row else "not run" for kind in ("float32", "float64")]
    return f"| {row['name']} | {layers} | {methods} | {errors[0]} | {errors[1]} |"


if __name__ == "__main__":
    main()
