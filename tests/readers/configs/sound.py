"""A sound document of each kind of configuration, of the shape in which its library publishes it."""

from __future__ import annotations

from typing import Any

CLIP: dict[str, Any] = {
    "model_cfg": {"embed_dim": 512, "vision_cfg": {"image_size": 224, "layers": 12}, "text_cfg": {"context_length": 77}},
    "preprocess_cfg": {"mean": [0.5, 0.4, 0.3], "std": [0.25, 0.2, 0.1], "interpolation": "bicubic", "resize_mode": "squash"},
}
MMDET: dict[str, Any] = {
    "type": "DetDataPreprocessor",
    "mean": [123.675, 116.28, 103.53],
    "std": [58.395, 57.12, 57.375],
    "bgr_to_rgb": True,
    "pad_size_divisor": 32,
}
DETECTRON: dict[str, Any] = {
    "MODEL": {"META_ARCHITECTURE": "GeneralizedRCNN", "PIXEL_MEAN": [103.53, 116.28, 123.675], "PIXEL_STD": [1.0, 1.0, 1.0]},
    "INPUT": {"FORMAT": "BGR", "MIN_SIZE_TEST": 800},
    "VERSION": 2,
}
PADDLE_CLAS: dict[str, Any] = {
    "Infer": {
        "transforms": [
            {"DecodeImage": {"to_rgb": True, "channel_first": False}},
            {"ResizeImage": {"resize_short": 256}},
            {"NormalizeImage": {"scale": "1.0/255.0", "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.2, 0.25], "order": ""}},
            {"ToCHWImage": None},
        ]
    }
}
PADDLE_DETECTION: dict[str, Any] = {
    "Preprocess": [
        {"type": "Resize", "target_size": [640, 640]},
        {"type": "NormalizeImage", "is_scale": True, "mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0], "norm_type": "none"},
        {"type": "Permute"},
    ]
}
MODEL_ZOO: dict[str, Any] = {
    "framework": "pytorch",
    "model_optimizer_args": [
        "--input_shape=[1,3,224,320]",
        "--mean_values=data[123.675,116.28,103.53]",
        "--scale_values=data[58.624,57.12,57.375]",
        "--reverse_input_channels",
    ],
}
TFLITE: dict[str, Any] = {
    "name": "classifier",
    "subgraph_metadata": [
        {
            "input_tensor_metadata": [
                {
                    "name": "image",
                    "content": {"content_properties_type": "ImageProperties", "content_properties": {"color_space": "RGB"}},
                    "process_units": [
                        {"options_type": "NormalizationOptions", "options": {"mean": [127.5], "std": [127.5]}},
                    ],
                }
            ]
        }
    ],
}


def monai(*transforms: dict[str, Any]) -> dict[str, Any]:
    steps = [{"_target_": "LoadImaged", "keys": "image"}, *transforms, {"_target_": "EnsureTyped", "keys": "image"}]
    return {"bundle_root": ".", "preprocessing": {"_target_": "Compose", "transforms": steps}}


RANGE: dict[str, Any] = {
    "_target_": "ScaleIntensityRanged",
    "keys": "image",
    "a_min": -57,
    "a_max": 164,
    "b_min": 0.0,
    "b_max": 1.0,
    "clip": True,
}
MONAI: dict[str, Any] = monai(RANGE)
CLAY: dict[str, Any] = {
    "sentinel-2-l2a": {
        "band_order": ["blue", "green", "nir"],
        "gsd": 10,
        "bands": {
            "mean": {"blue": 1105.0, "green": 1355.0, "nir": 2743.0},
            "std": {"blue": 1809.0, "green": 1757.0, "nir": 1742.0},
            "wavelength": {"blue": 0.493, "green": 0.56, "nir": 0.842},
        },
    }
}
PRITHVI: dict[str, Any] = {
    "model_args": {"img_size": 224, "num_frames": 3, "in_chans": 2},
    "train_params": {"bands": ["B02", "B03"], "data_mean": [775.2, 1080.9], "data_std": [1281.5, 1270.1]},
}
TERRATORCH: dict[str, Any] = {
    "data": {
        "class_path": "GenericNonGeoSegmentationDataModule",
        "init_args": {
            "constant_scale": 0.0001,
            "no_data_replace": 0,
            "dataset_bands": ["BLUE", "GREEN", "RED", "NIR"],
            "output_bands": ["BLUE", "NIR"],
            "means": [0.033, 0.061],
            "stds": [0.022, 0.03],
        },
    },
    "model": {"init_args": {"model_args": {"backbone_bands": ["BLUE", "NIR"]}}},
}
FLAT: dict[str, Any] = {"norm_mean": [0.48, 0.45, 0.4], "norm_std": [0.26, 0.26, 0.27], "image_size": 336}
NESTED: dict[str, Any] = {
    "processor_class": "X",
    "image_processor": {"image_processor_type": "CLIPImageProcessor", "image_mean": [0.5] * 3},
}
LEROBOT: dict[str, Any] = {
    "action": {"mean": [1.0, 2.0], "std": [1.0, 0.0], "min": [0.0, 2.0], "max": [2.0, 2.0], "q01": [0.0, 2.0], "q99": [2.0, 2.0]}
}
OPENPI: dict[str, Any] = {"norm_stats": {"state": {"mean": [1.0], "std": [2.0], "q01": [0.0], "q99": [2.0]}}}

DOCUMENTS: dict[str, dict[str, Any]] = {
    "open_clip": CLIP,
    "mmdet": {"data_preprocessor": MMDET},
    "mm_old": {"img_norm_cfg": {"mean": [103.53, 116.28, 123.675], "std": [1.0, 1.0, 1.0], "to_rgb": False}},
    "detectron2": DETECTRON,
    "paddle_clas": PADDLE_CLAS,
    "paddle_detection": PADDLE_DETECTION,
    "model_zoo": MODEL_ZOO,
    "tflite": TFLITE,
    "monai": MONAI,
    "clay": CLAY,
    "prithvi": PRITHVI,
    "terratorch": TERRATORCH,
    "flat": FLAT,
    "nested": NESTED,
    "lerobot": LEROBOT,
    "openpi": OPENPI,
}
