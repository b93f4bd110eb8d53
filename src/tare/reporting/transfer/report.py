"""What ``tare transfer`` prints, and its page."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from tare.input_spec.geometry import NOUNS
from tare.networks.stored.directory import versions
from tare.reporting import html
from tare.reporting.console import out, shown
from tare.system.files import write_text
from tare.training.evaluation import ClassScore, Evaluation
from tare.transferring.result import TransferRun

_HARDEST = 3
_PAIRS = 20
_MOST_PRINTED = 16
_DIGESTS = ("files", "training ", "validation ")


def print_run(run: TransferRun, page: Path) -> None:
    """Print the validation accuracy, the normalisation, how to load the network, and where the page is."""
    chosen, evaluation = run.normalisation, run.evaluation
    name = shown(str(run.out))
    out.print(f"[bold]{name}[/]: validation accuracy {_accuracy(run)}, strategy {chosen.strategy}", soft_wrap=True)
    if len(evaluation.classes) > 2:
        hardest = ", ".join(f"{shown(score.name)} {score.recall:.0%} of {score.support}" for score in _hardest(evaluation))
        out.print(f"lowest recall: {hardest}", soft_wrap=True)
    if chosen.per_sample:
        beside = " (stated in tare.json; timm's config has no key for it)" if run.is_timm else ""
        out.print(f"every {_one(run)} is normalised by its own mean and std{beside}")
    elif len(chosen.mean) > _MOST_PRINTED:
        out.print(f"mean and std of {len(chosen.mean)} columns: in the report and in tare.json")
    else:
        out.print(f"mean = ({', '.join(f'{value:.6g}' for value in chosen.mean)})")
        out.print(f"std  = ({', '.join(f'{value:.6g}' for value in chosen.std)})")
    out.print(_load(run), soft_wrap=True, markup=False)
    out.print(f"report: {shown(str(page))}", soft_wrap=True)


def write_run(run: TransferRun, path: Path) -> None:
    """Write the run's self-contained page."""
    from tare.reporting.transfer.charts import confusion_chart, training_curves

    curves, matrix = training_curves(run.history), confusion_chart(run.evaluation, _noun(run))
    body = [
        html.heading(f"tare transfer: {_accuracy(run)}", 1),
        html.paragraph(_lead(run), "lead"),
        *(html.paragraph(note) for note in run.notes),
        *_curves(run, curves),
        html.heading("Classes"),
        _scores(run),
        *_confusion(run, matrix),
        *_mistakes(run),
        html.heading("What the network is fed"),
        html.paragraph(_fed(run)),
        _moments(run),
        html.heading("How this was made"),
        html.code("\n".join(f"{key}: {_setting(value)}" for key, value in run.settings.items() if not key.startswith(_DIGESTS))),
        html.code(_load(run)),
        html.paragraph(", ".join(f"{name} {number}" for name, number in versions().items()), "faint"),
    ]
    write_text(path, html.page(f"tare transfer: {run.out.name}", body, {**curves, **matrix}))


def loading_call(folder: Path, reference: str, *, in_timm: bool) -> str:
    """A Python call that loads the network in ``folder``: timm's if timm knows the network, else ``tare.load_model``."""
    if in_timm:
        return f"timm.create_model({f'local-dir:{folder}'!r}, pretrained=True)"
    factory = f", {reference!r}" if ".py:" in reference else ""
    return f"tare.load_model({str(folder)!r}{factory}).network.module"


def _noun(run: TransferRun) -> str:
    return NOUNS[run.kind]


def _one(run: TransferRun) -> str:
    return _noun(run).removesuffix("s")


def _accuracy(run: TransferRun) -> str:
    found = run.evaluation.accuracy
    interval = f"95% interval {100 * found.low:.1f} to {100 * found.high:.1f}, {run.evaluation.samples} {_noun(run)}"
    return f"{found.estimate:.1%} ({interval})"


def _lead(run: TransferRun) -> str:
    settings, evaluation = run.settings, run.evaluation
    hardest = ", ".join(f"{score.name} ({_percent(score.recall)} of {score.support})" for score in _hardest(evaluation))
    same = f" The best epoch was chosen on the same {_noun(run)}, so this accuracy is biased slightly upward."
    bias = same if run.history else ""
    return (
        f"{settings['model']} transferred to {settings['data']} ({settings['protocol']}, strategy {run.normalisation.strategy}): "
        f"{len(evaluation.classes)} classes, macro F1 {_percent(evaluation.macro_f1)}. Lowest recall: {hardest}.{bias}"
    )


def _curves(run: TransferRun, charts: dict[str, Any]) -> list[str]:
    if not charts:
        return []
    head, best = run.settings["head_epochs"], run.metrics["best_epoch"]
    first = "In the first epoch" if head == 1 else f"In the first {head} epochs"
    alone = f" {first} only the head was trained." if head else ""
    caption = f"The saved model is that of epoch {best:.0f} (dashed line), the first with the best validation accuracy.{alone}"
    return [html.heading("Learning curves"), html.panels(charts, caption)]


def _scores(run: TransferRun) -> str:
    rows = [
        (score.name, *(_percent(value) for value in (score.precision, score.recall, score.f1)), str(score.support))
        for score in run.evaluation.scores
    ]
    noun = _noun(run)
    caption = (
        f"Precision: share of correct predictions among the {noun} predicted as the class. Recall: share of correct predictions "
        f"among the {noun} of the class. n/a: the class was never predicted, or has no {noun}."
    )
    return html.table(caption, ("class", "precision", "recall", "F1", noun), rows)


def _confusion(run: TransferRun, matrix: dict[str, Any]) -> list[str]:
    evaluation = run.evaluation
    parts = [html.heading("Confusion matrix")]
    if matrix:
        caption = "Rows are true classes, columns predicted classes. The darker a cell, the larger its share of the row."
        parts.append(html.panels(matrix, caption))
    pairs = [(true, predicted, str(count)) for true, predicted, count in evaluation.confused()[:_PAIRS]]
    if not pairs:
        return [*parts, html.paragraph(f"All {_noun(run)} were classified correctly.")]
    if len(evaluation.classes) > 2:
        parts.append(html.table("The most frequent confusions", ("true class", "predicted class", _noun(run)), pairs))
    return parts


def _mistakes(run: TransferRun) -> list[str]:
    if not run.evaluation.mistakes:
        return []
    parts = [html.heading("Mistakes")]
    caption = "The wrong predictions with the highest probability"
    if run.kind != "image":
        found = run.evaluation.mistakes
        rows = [(Path(item.sample).name, item.truth, item.predicted, f"{item.probability:.0%}") for item in found]
        return [*parts, html.table(caption, (_one(run), "true class", "predicted class", "probability"), rows)]
    figures = "".join(
        html.photo(view, f"{Path(item.sample).name}: {item.truth}, predicted {item.predicted} ({item.probability:.0%})")
        for item, view in zip(run.evaluation.mistakes, run.views, strict=False)
    )
    sentence = f"{caption}; the images are shown as the network receives them, but before normalisation."
    return [*parts, html.paragraph(sentence), f'<div class="inputs">{figures}</div>']


def _fed(run: TransferRun) -> str:
    if run.normalisation.per_sample:
        return f"Every {_one(run)} is normalised by its own mean and std."
    before = {"image": ", before resize and augmentation", "signal": ", before signals are cut or padded", "vector": ""}[run.kind]
    return (
        f"Target mean and std are those of the training split, in unit values{before}, ± standard error (which counts "
        f"{_noun(run)}). Subtracted and divided by are the constants of the normalisation. Mean and std fed are those of the "
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


def _hardest(evaluation: Evaluation) -> list[ClassScore]:
    return sorted(evaluation.scores, key=lambda score: (score.recall, -score.support))[:_HARDEST]


def _percent(value: float) -> str:
    return "n/a" if math.isnan(value) else f"{value:.1%}"


def _setting(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_setting(entry)}" for key, entry in value.items())
    if isinstance(value, list | tuple):
        return " ".join(_setting(entry) for entry in value)
    return f"{value:.6g}" if isinstance(value, float) else "none" if value is None else str(value)
