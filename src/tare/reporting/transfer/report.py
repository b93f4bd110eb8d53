"""What ``tare transfer`` prints, and its page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tare.networks.stored.directory import versions
from tare.reporting import html
from tare.reporting.console import out, shown
from tare.reporting.transfer import classification, multi_label, regression, segmentation
from tare.reporting.transfer.told import headline, noun_of, one_of
from tare.system.files import write_text
from tare.tasks.classification import Classification
from tare.tasks.names import TaskName
from tare.tasks.task import Epochs
from tare.transferring.result import TransferRun

_TASKS: Mapping[TaskName, Any] = {
    "classification": classification,
    "multi-label": multi_label,
    "regression": regression,
    "segmentation": segmentation,
}
_MOST_PRINTED = 16
_DIGESTS = ("files", "training ", "validation ")


def print_run(run: TransferRun, page: Path) -> None:
    """Print the figure of the validation split, the normalisation, how to load the network, and where the page is."""
    chosen = run.normalisation
    name = shown(str(run.out))
    out.print(f"[bold]{name}[/]: validation {headline(run)}, strategy {chosen.strategy}", soft_wrap=True)
    for line in _told(run).lines(run):
        out.print(line, soft_wrap=True)
    if chosen.per_sample:
        beside = " (stated in tare.json; timm's config has no key for it)" if run.is_timm else ""
        out.print(f"every {one_of(run)} is normalised by its own mean and std{beside}")
    elif len(chosen.mean) > _MOST_PRINTED:
        out.print(f"mean and std of {len(chosen.mean)} columns: in the report and in tare.json")
    else:
        out.print(f"mean = ({', '.join(f'{value:.6g}' for value in chosen.mean)})")
        out.print(f"std  = ({', '.join(f'{value:.6g}' for value in chosen.std)})")
    out.print(_load(run), soft_wrap=True, markup=False)
    out.print(f"report: {shown(str(page))}", soft_wrap=True)


def write_run(run: TransferRun, path: Path) -> None:
    """Write the run's self-contained page."""
    from tare.reporting.transfer.charts import training_curves

    curves = training_curves(run.history, _epochs(run))
    parts, charts = _told(run).sections(run)
    body = [
        html.heading(f"tare transfer: {headline(run)}", 1),
        html.paragraph(_lead(run), "lead"),
        *(html.paragraph(note) for note in run.notes),
        *_curves(run, curves),
        *parts,
        html.heading("What the network is fed"),
        html.paragraph(_fed(run)),
        _moments(run),
        html.heading("How this was made"),
        html.code("\n".join(f"{key}: {_setting(value)}" for key, value in run.settings.items() if not key.startswith(_DIGESTS))),
        html.code(_load(run)),
        html.paragraph(", ".join(f"{name} {number}" for name, number in versions().items()), "faint"),
    ]
    write_text(path, html.page(f"tare transfer: {run.out.name}", body, {**curves, **charts}))


def loading_call(folder: Path, reference: str, *, in_timm: bool) -> str:
    """A Python call that loads the network in ``folder``: timm's if timm knows the network, else ``tare.load_model``."""
    if in_timm:
        return f"timm.create_model({f'local-dir:{folder}'!r}, pretrained=True)"
    factory = f", {reference!r}" if ".py:" in reference else ""
    return f"tare.load_model({str(folder)!r}{factory}).network.module"


def _told(run: TransferRun) -> Any:
    """The module that words the run's task."""
    return _TASKS[run.task.name if run.task is not None else "classification"]


def _epochs(run: TransferRun) -> Epochs:
    return run.task.epochs if run.task is not None else Classification.epochs


def _lead(run: TransferRun) -> str:
    settings, name = run.settings, run.evaluation.headline.name
    same = f" The best epoch was chosen on the same {noun_of(run)}, so this {name} is biased slightly upward."
    bias = same if run.history else ""
    return (
        f"{settings['model']} transferred to {settings['data']} ({settings['protocol']}, strategy {run.normalisation.strategy}): "
        f"{_told(run).lead(run)}{bias}"
    )


def _curves(run: TransferRun, charts: dict[str, Any]) -> list[str]:
    if not charts:
        return []
    head, best = run.settings["head_epochs"], run.metrics["best_epoch"]
    first = "In the first epoch" if head == 1 else f"In the first {head} epochs"
    alone = f" {first} only the head was trained." if head else ""
    caption = f"The saved model is that of epoch {best:.0f} (dashed line), the first with the best {_epochs(run).words}.{alone}"
    return [html.heading("Learning curves"), html.panels(charts, caption)]


def _fed(run: TransferRun) -> str:
    if run.normalisation.per_sample:
        return f"Every {one_of(run)} is normalised by its own mean and std."
    before = {"image": ", before resize and augmentation", "signal": ", before signals are cut or padded"}.get(run.kind, "")
    return (
        f"Target mean and std are those of the training split, in unit values{before}, ± standard error (which counts "
        f"{noun_of(run)}). Subtracted and divided by are the constants of the normalisation. Mean and std fed are those of the "
        "network's input."
    )


def _moments(run: TransferRun) -> str:
    chosen, stats = run.normalisation, run.target_stats
    means, stds = chosen.moments_fed(stats)
    form = ".4f" if run.kind == "image" else ".4g"  # unit values of images lie in [0, 1]; other numbers have any range
    rows = [
        (
            channel.name,
            f"{channel.mean:{form}} ± {channel.mean_se:{form}}",
            f"{channel.std:{form}} ± {channel.std_se:{form}}",
            f"{mean:{form}}",
            f"{std:{form}}",
            f"{fed_mean:+.2f}",
            f"{fed_std:.2f}",
        )
        for channel, mean, std, fed_mean, fed_std in zip(stats.channels, chosen.mean, chosen.std, means, stds, strict=True)
    ]
    headings = ("channel", "target mean", "target std", "subtracted", "divided by", "mean fed", "std fed")
    return html.table(f"Strategy {chosen.strategy}", headings, rows)


def _load(run: TransferRun) -> str:
    call = loading_call(run.model_dir, str(run.settings["model"]), in_timm=run.is_timm)
    return f"load it{' in timm' if run.is_timm else ''}: {call}"


def _setting(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_setting(entry)}" for key, entry in value.items())
    if isinstance(value, list | tuple):
        return " ".join(_setting(entry) for entry in value)
    return f"{value:.6g}" if isinstance(value, float) else "none" if value is None else str(value)
