"""Which codes name a labelled kind of mistake."""

from __future__ import annotations

_CONSTANTS = frozenset({"TARE005", "TARE015", "TARE016", "TARE017"})
_RANGE = frozenset({"TARE001", "TARE002", "TARE004", "TARE005", "TARE016", "TARE091", "TARE101"})

CODES: dict[str, frozenset[str]] = {
    "channel_order_of_constants": frozenset({"TARE008", "TARE015"}),
    "constant_typo": frozenset({"TARE100"}),
    "constants_255_on_unit_range": frozenset({"TARE016", "TARE091"}),
    "denormalize_constants": frozenset({"TARE005", "TARE006", "TARE007"}),
    "divided_by_255_twice": frozenset({"TARE002"}),
    "double_normalize": frozenset({"TARE003"}),
    "efficientnet_scaled_twice": _RANGE,
    "gray_code_wrong_order": frozenset({"TARE008", "TARE102"}),
    "imread_flag_misuse": frozenset({"TARE103"}),
    "keras_preprocess_plus_rescale": _RANGE | {"TARE003"},
    "keras_wrong_range": _RANGE,
    "mean_of_stds_recipe": frozenset({"TARE009"}),
    "mean_std_swapped": frozenset({"TARE006"}),
    "missing_normalize": frozenset({"TARE004"}),
    "normalize_before_totensor": frozenset({"TARE020", "TARE021"}),
    "random_aug_in_eval": frozenset({"TARE024"}),
    "split_constants_differ": frozenset({"TARE050", "TARE005"}),
    "stats_from_test_data": frozenset({"TARE060"}),
    "std_equals_mean": frozenset({"TARE007"}),
    "std_is_variance": frozenset({"TARE044"}),
    "train_serve_mismatch": frozenset({"TARE050"}),
    "transform_is_a_string": frozenset(),
    "wrong_divisor": frozenset({"TARE011"}),
    "wrong_model_constants": _CONSTANTS | _RANGE,
}
