"""The modules that are mutated, and the tests that must notice: those which mirror the module."""

from __future__ import annotations

#: Whole networks of timm: seconds each, and the laws of single layers say the same of the code that is mutated.
LEFT_OUT = ("test_small_networks_of_timm",)

TARGETS: dict[str, tuple[str, ...]] = {
    "statistics.moments": ("statistics/test_moments.py", "statistics/test_parts.py"),
    "input_spec.affine": ("input_spec/test_affine.py",),
    "normalisation.strategies": ("normalisation/test_strategies.py", "normalisation/test_ranges.py"),
    "normalisation.ranges": ("normalisation/test_ranges.py",),
    "statistics.intervals": ("statistics/test_intervals.py",),
    "folding.plan": ("folding/test_plan.py", "folding/test_api.py", "folding/test_batch_norm.py"),
    "folding.layers": ("folding/test_layers.py", "folding/test_api.py", "folding/test_batch_norm.py"),
    "folding.api": ("folding/test_api.py", "folding/test_batch_norm.py"),
    "statistics.exact": ("statistics/test_exact.py",),
    "statistics.histogram": ("statistics/test_histogram.py",),
    "statistics.centred": ("statistics/test_centred.py", "statistics/test_moments.py"),
    "statistics.buckets": ("statistics/test_buckets.py",),
    "statistics.compiled.buckets": ("statistics/test_buckets.py",),
    "statistics.compiled.exact": ("statistics/test_exact.py",),
}
