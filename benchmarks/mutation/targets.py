"""The modules that are mutated, and the tests that must notice: those which mirror the module."""

from __future__ import annotations

#: Whole networks of timm: seconds each, and the laws of single layers say the same of the code that is mutated.
LEFT_OUT = ("test_small_networks_of_timm",)

TARGETS: dict[str, tuple[str, ...]] = {
    "moments": ("test_moments.py",),
    "affine": ("test_affine.py",),
    "strategies": ("test_strategies.py",),
    "intervals": ("test_intervals.py",),
    "fold_plan": ("test_fold_plan.py", "test_folding.py"),
    "fold_layers": ("test_fold_layers.py", "test_folding.py"),
    "folding": ("test_folding.py",),
    "exact": ("test_exact.py",),
    "histogram": ("test_histogram.py",),
    "centred": ("test_centred.py", "test_moments.py"),
    "buckets": ("test_buckets.py",),
}
