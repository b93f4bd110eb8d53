"""What ``tare transfer`` prints, and its page."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from tare.evaluation import ClassScore, Evaluation
from tare.files import write_text
from tare.model_dir import versions
from tare.reporting import html
from tare.reporting.console import out, shown
from tare.reporting.transfer_charts import MOST_CLASSES, confusion_chart, curve_charts
from tare.transfer_run import TransferRun

_HARDEST = 3
_PAIRS = 20
_DIGESTS = ("files", "training images", "validation images")


def print_run(run: TransferRun, page: Path) -> None:
    """Print how well the network validates, what it was fed, how to load it, and where its page is."""
    chosen, evaluation = run.normalisation, run.evaluation
    name = shown(str(run.out))
    out.print(f"[bold]{name}[/]: validation accuracy {_accuracy(evaluation)}, strategy {chosen.strategy}", soft_wrap=True)
    if len(evaluation.classes) > 2:
        hardest = ", ".join(f"{shown(score.name)} {score.recall:.0%} of {score.support}" for score in _hardest(evaluation))
        out.print(f"lowest recall: {hardest}", soft_wrap=True)
    if chosen.per_sample:
        out.print("every image is normalised by its own mean and std; timm's config cannot say so, tare.json does")
    else:
        out.print(f"mean = ({', '.join(f'{value:.6g}' for value in chosen.mean)})")
        out.print(f"std  = ({', '.join(f'{value:.6g}' for value in chosen.std)})")
    out.print(_load(run), soft_wrap=True, markup=False)
    out.print(f"report: {shown(str(page))}", soft_wrap=True)


def write_page(run: TransferRun, path: Path) -> None:
    """Write the run's self-contained page."""
    curves, matrix = curve_charts(run.history), confusion_chart(run.evaluation)
    body = [
        html.heading(f"tare transfer: {_accuracy(run.evaluation)}", 1),
        html.paragraph(_lead(run), "lead"),
        *(html.paragraph(note) for note in run.notes),
        *_curves(run, curves),
        html.heading("Classes"),
        _scores(run.evaluation),
        *_confusion(run.evaluation, matrix),
        *_mistakes(run),
        html.heading("What the network is fed"),
        html.paragraph(_fed(run)),
        _moments(run),
        html.heading("How this was made"),
        html.code("\n".join(f"{key}: {_setting(value)}" for key, value in run.settings.items() if key not in _DIGESTS)),
        html.code(_load(run)),
        html.paragraph(", ".join(f"{name} {number}" for name, number in versions().items()), "faint"),
    ]
    write_text(path, html.page(f"tare transfer: {run.out.name}", body, {**curves, **matrix}))


def _accuracy(evaluation: Evaluation) -> str:
    found = evaluation.accuracy
    interval = f"95% interval {100 * found.low:.1f} to {100 * found.high:.1f}, {evaluation.samples} images"
    return f"{found.estimate:.1%} ({interval})"


def _lead(run: TransferRun) -> str:
    settings, evaluation = run.settings, run.evaluation
    hardest = ", ".join(f"{score.name} ({_percent(score.recall)} of {score.support})" for score in _hardest(evaluation))
    flatters = "" if not run.history else " The best epoch was chosen on the same images, so its accuracy flatters a little."
    return (
        f"{settings['model']} transferred to {settings['data']} ({settings['protocol']}, strategy {run.normalisation.strategy}): "
        f"{len(evaluation.classes)} classes, macro F1 {_percent(evaluation.macro_f1)}. Lowest recall: {hardest}.{flatters}"
    )


def _curves(run: TransferRun, charts: dict[str, Any]) -> list[str]:
    if not charts:
        return []
    head, best = run.settings["head_epochs"], run.metrics["best_epoch"]
    first = "In the first epoch" if head == 1 else f"In the first {head} epochs"
    alone = f" {first} the head was trained alone." if head else ""
    caption = f"The model shipped is that of epoch {best:.0f} (dashes), the first with the best validation accuracy.{alone}"
    return [html.heading("Learning curves"), html.panels(charts, caption)]


def _scores(evaluation: Evaluation) -> str:
    rows = [
        (score.name, *(_percent(value) for value in (score.precision, score.recall, score.f1)), str(score.support))
        for score in evaluation.scores
    ]
    caption = "Precision: of what was called so, how much is; recall: of what is, how much was called so; n/a has no denominator"
    return html.table(caption, ("class", "precision", "recall", "F1", "images"), rows)


def _confusion(evaluation: Evaluation, matrix: dict[str, Any]) -> list[str]:
    parts = [html.heading("What was taken for what")]
    if matrix:
        parts.append(html.panels(matrix, "Rows are true classes; darker is a larger share of the row."))
    pairs = [(true, called, str(count)) for true, called, count in evaluation.confused()[:_PAIRS]]
    if not pairs:
        return [*parts, html.paragraph("Nothing was taken for anything else.")]
    if len(evaluation.classes) > MOST_CLASSES or len(evaluation.classes) > 2:
        parts.append(html.table("The most frequent confusions", ("true", "called", "images"), pairs))
    return parts


def _mistakes(run: TransferRun) -> list[str]:
    pairs = list(zip(run.evaluation.mistakes, run.views, strict=False))
    if not pairs:
        return []
    figures = "".join(
        html.photo(view, f"{Path(item.sample).name}: {item.truth}, called {item.predicted} ({item.probability:.0%})")
        for item, view in pairs
    )
    sentence = "Wrong with the greatest confidence, as the network sees them before normalisation."
    return [html.heading("Mistakes"), html.paragraph(sentence), f'<div class="inputs">{figures}</div>']


def _fed(run: TransferRun) -> str:
    if run.normalisation.per_sample:
        return "Every image is normalised by its own mean and std."
    return (
        "Mean and std of the training split in unit values, before resize and augmentation, ± standard error (which counts "
        "images); the constants that are subtracted and divided by; and the moments that the network receives."
    )


def _moments(run: TransferRun) -> str:
    chosen, stats = run.normalisation, run.target_stats
    means, stds = chosen.moments_fed(stats)
    rows = [
        (
            channel.name,
            f"{channel.mean:.4f} ± {channel.mean_se:.4f}",
            f"{channel.std:.4f} ± {channel.std_se:.4f}",
            f"{mean:.4f}",
            f"{std:.4f}",
            f"{fed_mean:+.2f}",
            f"{fed_std:.2f}",
        )
        for channel, mean, std, fed_mean, fed_std in zip(stats.channels, chosen.mean, chosen.std, means, stds, strict=True)
    ]
    headings = ("channel", "target mean", "target std", "minus", "over", "mean fed", "std fed")
    return html.table(f"Strategy {chosen.strategy}", headings, rows)


def _load(run: TransferRun) -> str:
    if run.is_timm:
        return f"load it in timm: timm.create_model('local-dir:{run.model_dir}', pretrained=True)"
    model = str(run.settings["model"])
    factory = f", '{model}'" if ".py:" in model else ""
    return f"load it: tare.load_model('{run.model_dir}'{factory}).network.module"


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
