"""The terminal output and the page of ``tare demo``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tare.networks.stored.directory import versions
from tare.reporting import html
from tare.reporting.console import begun, out, shown
from tare.reporting.demo.charts import accuracy_forests, difference_forests, png_of
from tare.reporting.demo.text import answer, demo_lines
from tare.reporting.page.frame import Badge, FirstScreen, Made, Step, framed
from tare.reporting.page.rows import Row, drawn, point, scale_of
from tare.statistics.intervals import Interval
from tare.studying.analysis.analysis import Mean
from tare.studying.analysis.contrasts import Contrast
from tare.studying.demo.result import DemoResult, FedByStrategy, shift_of, stated_p
from tare.studying.demo.words import signed_points
from tare.system.files import replacing, write_text

_NEXT = """\
tare measure photos/                      # exact mean and std of your own images
tare transfer --model timm:resnet18 photos/ --strategy source --out run/
tare transfer --help                      # your own network, weights, mean and std"""
#: What to do on one's own data: in words, and the command.
_NOW = (
    ("Measure your own images:", "tare measure photos/"),
    ("Ask which mean and std serve your network:", "tare advise --model timm:resnet18 photos/"),
    ("Train with it:", "tare transfer --model timm:resnet18 photos/ --strategy source --out run/"),
)


def print_demo(result: DemoResult, page: Path) -> None:
    """Print the demo's tables, its answer and the next commands to try."""
    for line in (*demo_lines(result), _reload(result)):
        out.print(begun(line), soft_wrap=True)
    out.print(f"\nreport: [bold]{shown(str(page))}[/]\nNow on your own data:\n[cyan]{_NEXT}[/]")


def write_demo(result: DemoResult, path: Path, command: str) -> None:
    """Write the demo's self-contained page."""
    accuracies = {f"accuracy of {key}": chart for key, chart in accuracy_forests(result.analysis.means).items()}
    gaps = {f"difference of {key}": chart for key, chart in difference_forests(result.analysis.contrasts).items()}
    libraries = ", ".join(f"{name} {number}" for name, number in versions().items() if name != "tare")
    made = Made("scikit-learn's digits and photographs", command, {"Libraries": libraries})
    text = framed("demo", _first(result), _folds(result, list(accuracies), list(gaps)), made, {**accuracies, **gaps})
    write_text(path, text)


def _first(result: DemoResult) -> FirstScreen:
    """What ``target`` gains or loses under each condition."""
    untouched, *camps = answer(result)
    shown = sum(item.shown for item in result.analysis.contrasts)
    return FirstScreen(
        verdict=" ".join(camps[:2]),
        lead=" ".join([*camps[2:], untouched]),
        badges=(
            Badge(f"{result.seeds} networks"),
            Badge(f"{shown} of {len(result.analysis.contrasts)} differences shown"),
        ),
        picture_title="What the mean and std of the new data gain",
        picture=_gains(result),
        steps=[Step(words, line) for words, line in _NOW],
    )


def _gains(result: DemoResult) -> list[str]:
    found = [item for item in result.analysis.contrasts if item.strategy == "target"]
    rows = [
        Row(
            shift_of(item),
            [replace(point(item.difference, 100), hollow=not item.shown)],
            signed_points(item.difference.estimate),
            item.statement if item.shown else "not shown",
            f"{signed_points(item.difference.low)} to {signed_points(item.difference.high)}",
        )
        for item in found
    ]
    scale = scale_of(rows, "points of accuracy above source, 95% interval", zero=0.0)
    return [drawn(rows, scale, "Gain of target over source", "long")]


def _folds(result: DemoResult, accuracies: Sequence[str], gaps: Sequence[str]) -> Iterator[str]:
    yield html.fold("In short", "what the command prints", [html.code("\n".join(demo_lines(result)))])
    means = html.panels(accuracies, "Each point is a mean over networks; bars are 95% intervals.")
    yield html.fold("Accuracy under each strategy", f"{len(accuracies)} conditions", [means])
    caption = "Each interval is of one comparison; the adjusted p value (hover, or the table) accounts for all comparisons."
    verdicts = [html.items(_verdicts(result)), html.panels(gaps, caption)]
    yield html.fold("Difference from source, paired by seed", f"{len(gaps)} conditions", verdicts)
    numbers = [*(_numbers(result, shift) for shift in result.verdicts), *map(html.paragraph, _ties(result))]
    yield html.fold("Every number", "means, differences and p values", numbers)
    sentence = (
        "Mean and std of the tensors that reach the network, and one digit under every strategy, drawn on one scale from "
        "-2 to 4 input std. The raw image is the same; the input differs."
    )
    views = [_views(result, shift) for shift in result.verdicts]
    yield html.fold("What the network is fed", "one digit under every strategy", [html.paragraph(sentence), *views])
    saved = [html.paragraph(_reload(result)), html.paragraph(_method(result))]
    yield html.fold("Method, and the saved model", "how the networks were trained and tested", saved)


def write_differences(result: DemoResult, path: Path) -> None:
    """Write the paired differences as a PNG."""
    with replacing(path) as temporary:
        temporary.write_bytes(png_of(difference_forests(result.analysis.contrasts)))


def _verdicts(result: DemoResult) -> list[str]:
    return [f"{shift[0].upper()}{shift[1:]}: {sentence}" for shift, sentence in result.verdicts.items()]


def _ties(result: DemoResult) -> list[str]:
    return [
        f"{shift}: {strategy} feeds the same tensors as {other}, so their accuracies are equal."
        for shift, same in result.same_inputs.items()
        for strategy, other in same.items()
    ]


def _reload(result: DemoResult) -> str:
    saved = result.saved
    return (
        f"Fine-tuned with {saved.strategy} on the other sensor's images: {saved.accuracy:.1%} on {result.test_size} test images; "
        f"saved in {saved.folder}; loaded back, its outputs differ by at most {saved.reload_difference:g}."
    )


def _method(result: DemoResult) -> str:
    return (
        f"Each of the {result.seeds} small networks with batch norm was pretrained from scratch on digits 0-4, z-scored with u0 "
        "and s0, with random shifts as augmentation; their weights come with tare. The first three conditions ask the network "
        "as it is about digits that it never saw. For the others a logistic head is fitted, or all layers are trained, on "
        f"{result.train_size} images of digits 5-9, and tested on the other {result.test_size}. u1 and s1 come from training "
        "images alone. The other sensor has half the contrast on a brighter ground (gain 0.5, offset 0.25). Intervals are "
        "Student's t over networks; p values are Holm-adjusted over all comparisons. This is one kind of small network on one "
        "small dataset; yours may give another answer."
    )


def _numbers(result: DemoResult, shift: str) -> str:
    rows = []
    for mean, contrast in _compared(result, shift):
        gap = contrast.difference if contrast else None
        cells = (signed_points(gap.estimate), f"{signed_points(gap.low)} to {signed_points(gap.high)}") if gap else ("", "")
        p_value = f"{stated_p(contrast):.3f}" if contrast else ""
        rows.append((mean.strategy, _percent(mean.score), *cells, p_value))
    headings = ("strategy", "accuracy, 95% interval", "points vs source", "95% interval", "p adjusted")
    return html.table(f"{shift}, {result.seeds} seeds", headings, rows)


def _compared(result: DemoResult, shift: str) -> list[tuple[Mean, Contrast | None]]:
    """Pair each strategy's mean with its contrast; the baseline has none."""
    contrasts = {item.strategy: item for item in result.analysis.contrasts if shift_of(item) == shift}
    return [(item, contrasts.get(item.strategy)) for item in result.analysis.means if shift_of(item) == shift]


def _views(result: DemoResult, shift: str) -> str:
    pictures = "".join(_picture(fed) for fed in result.fed if fed.shift == shift)
    return f'{html.heading(shift, 3)}<div class="inputs">{pictures}</div>'


def _picture(fed: FedByStrategy) -> str:
    caption = f"{fed.normalisation.strategy}: mean {round(fed.fed_mean, 2) + 0.0:+.2f}, std {fed.fed_std:.2f}"
    return html.image(fed.inputs[0], -2.0, 4.0, caption)


def _percent(interval: Interval) -> str:
    return f"{100 * interval.estimate:.1f} ({100 * interval.low:.1f} to {100 * interval.high:.1f})"
