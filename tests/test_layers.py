"""Imports run strictly downward: proved over the import graph, those inside functions and for type checkers included."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import tare

ROOT = Path(tare.__file__).parent

# From the bottom up; a module may import what stands on a lower rung, and modules of its own package if no cycle results.
# A name stands for a module or for a whole package. The letters divide the layers of docs/architecture.md.
RUNGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("L0", ("_version", "errors", "layout", "records", "progress", "seeds")),
    ("L0b", ("_optional", "files", "output_lock")),
    (
        "L1",
        (
            "training",
            "schedule",
            "batch_norm",
            "exact",
            "sums",
            "histogram",
            "buckets",
            "affine",
            "intervals",
            "deep_images",
            "run_dir",
            "fold_heads",
            "scratch",
            "transparency",
        ),
    ),
    ("L1a", ("spec_fields", "pipeline_step", "jpeg", "python_object", "findings", "hf_classes")),
    (
        "L1b",
        (
            "advice_accuracy",
            "advice_rates",
            "advice_classes",
            "advice_views",
            "fused",
            "diagnosis",
            "geometry",
            "observation",
            "pipeline_call",
            "centred",
            "decode",
            "permutation",
            "bins",
        ),
    ),
    ("L1bb", ("input_geometry", "spec_text", "spec_values")),
    ("L1bc", ("augmentation", "parameter_groups", "evaluation")),
    ("L1c", ("observing", "moments", "spec_timm", "hf_geometry", "spec_torchvision")),
    ("L1d", ("grid", "plausible_range", "batch_sample", "channel_state", "spec_hf")),
    ("L2", ("own_scale", "input_spec", "dataset_state", "sources")),
    ("L2b", ("state_json", "spec_difference", "pipelines")),
    ("L2c", ("checkpoint",)),
    ("L3", ("dataset_stats", "readers", "engines", "labelled_samples", "signal_networks")),
    (
        "L3b",
        (
            "labelled",
            "torchvision_models",
            "catalog",
        ),
    ),
    ("L3c", ("reading", "evidence", "conventions", "identifying_candidates")),
    ("L3d", ("rules", "pipeline_config")),
    (
        "L4",
        (
            "batch_judging",
            "strategies",
            "networks",
            "probe",
            "transfer_module",
            "image_batches",
            "signal_batches",
            "sampling",
            "comparing",
            "overlay",
            "units_used",
            "fold_layers",
            "fingerprint",
            "fingerprint_front",
            "fingerprint_moments",
        ),
    ),
    ("L4a", ("fingerprint_patches",)),
    (
        "L4b",
        (
            "fingerprint_views",
            "identifying_images",
            "identifying_deep",
            "identifying_likelihood",
            "absorption",
            "advice_rule",
            "signal_plan",
            "history",
            "expected_input",
            "watch_report",
            "normaliser",
            "batched_heads",
            "as_seen",
            "drawing",
            "first_layers",
        ),
    ),
    ("L4c", ("identifying_scores", "advice_passes", "explanation", "measuring", "stated_input", "fold_plan", "input_shapes")),
    ("L4d", ("identifying_estimate", "identifying_labels", "comparison", "fold_check", "advice_score")),
    ("L4e", ("identification", "folding", "advice_evidence", "advice")),
    (
        "L4f",
        (
            "identification_words",
            "explanation_words",
            "advice_words",
        ),
    ),
    ("L5", ("watching", "finetune", "model_dir", "checking")),
    ("L5b", ("watch_lightning", "watch_transformers", "folded_dir", "stated_spec")),
    ("L5c", ("source_network", "transfer_run")),
    ("L5ca", ("advice_inputs",)),
    ("L5cab", ("advice_samples",)),
    ("L5cb", ("identifying", "advising", "explaining")),
    ("L5cc", ("automatic",)),
    ("L5d", ("transfer_plan",)),
    ("L5e", ("transferring",)),
    ("L5f", ("image_paths", "trained")),
    ("L5fa", ("number_inputs",)),
    ("L5g", ("exports", "predicting")),
    ("L5h", ("exporting",)),
    ("L6", ("studies",)),
    ("L7", ("reporting",)),
    ("L8", ("cli",)),
    ("L9", ("__main__",)),
)
LEVEL = {name: level for level, (_, names) in enumerate(RUNGS) for name in names}

# A module of such a name would replace the function on the package once it is imported.
EXPORTED = {"measure", "read_spec", "check", "watch", "compare", "advise", "identify", "transfer", "study", "fold", "export"}


def module_names(root: Path) -> dict[str, Path]:
    """Every module below ``root`` by its dotted name, that of the package left out; packages stand for their __init__."""
    names = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def imports(path: Path, modules: Mapping[str, Path]) -> Iterator[str]:
    """The modules of the package that a file imports anywhere in it; the empty name is the package itself."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name == "tare" or alias.name.startswith("tare."):
                    yield alias.name.removeprefix("tare").removeprefix(".")
        if isinstance(node, ast.ImportFrom):
            if node.level:
                yield f"relative import in line {node.lineno}"
            elif node.module and (node.module == "tare" or node.module.startswith("tare.")):
                base = node.module.removeprefix("tare").removeprefix(".")
                inside = (f"{base}.{alias.name}".removeprefix(".") for alias in node.names)
                yield from (name if name in modules else base for name in inside)


def import_graph(root: Path) -> dict[str, set[str]]:
    modules = module_names(root)
    return {name: set(imports(path, modules)) for name, path in modules.items()}


def level_of(module: str) -> int | None:
    return LEVEL.get(module, LEVEL.get(module.partition(".")[0]))


def violations(graph: Mapping[str, set[str]]) -> list[str]:
    """Imports that do not run downward; the package's own __init__ is the shop window and may look at everything."""
    found = []
    for module, imported in graph.items():
        for other in imported:
            package = module.partition(".")[0]
            same_package = "." in module + other and other.partition(".")[0] == package
            if module == "" or same_package:
                continue
            mine, theirs = level_of(module), level_of(other)
            if other == "":
                found.append(f"{module} imports a name of tare/__init__")
            elif mine is None or theirs is None or theirs >= mine:
                found.append(f"{module} imports {other}")
    return found


def test_every_module_has_a_level() -> None:
    assert [name for name in module_names(ROOT) if name and level_of(name) is None] == []


def test_imports_run_strictly_downward_and_nobody_imports_the_shop_window() -> None:
    assert violations(import_graph(ROOT)) == []


def test_there_is_no_cycle() -> None:
    graph = {name: imported - {name} for name, imported in import_graph(ROOT).items()}
    assert len(list(TopologicalSorter(graph).static_order())) >= len(graph)


def test_no_module_bears_the_name_of_an_exported_function() -> None:
    names = {name.partition(".")[0] for name in module_names(ROOT)}
    assert names & (EXPORTED | set(tare.__all__)) == set()


def test_the_shop_window_is_small_and_everything_in_it_exists() -> None:
    assert len(tare.__all__) <= 15
    for name in tare.__all__:
        assert getattr(tare, name) is not None


@pytest.mark.parametrize(
    ("module", "line", "found"),
    [
        ("moments.py", "def f():\n    from tare.measuring import measure", "moments imports measuring"),
        ("moments.py", "from tare import measuring", "moments imports measuring"),
        ("moments.py", "import tare.cli", "moments imports cli"),
        ("moments.py", "from tare import measure", "moments imports a name of tare/__init__"),
        ("moments.py", "from . import exact", "moments imports relative import in line 1"),
        ("moments.py", "from tare.moments import Moments", "moments imports moments"),
        ("sources/csv.py", "from tare.dataset_stats import DatasetStats", "sources.csv imports dataset_stats"),
    ],
)
def test_an_upward_import_would_be_found(tmp_path: Path, module: str, line: str, found: str) -> None:
    for name in ("measuring.py", "exact.py", module):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / module).write_text(line)
    assert found in violations(import_graph(tmp_path))


def test_a_cycle_inside_a_package_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "a.py").write_text("from tare.sources.b import x")
    (tmp_path / "sources" / "b.py").write_text("from tare.sources import a")
    graph = import_graph(tmp_path)
    assert violations(graph) == []
    with pytest.raises(CycleError, match="nodes are in a cycle"):
        TopologicalSorter(graph).prepare()
