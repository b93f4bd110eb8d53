"""What ``tare transfer`` prints, and its page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tare.errors import shell_word
from tare.networks.stored.directory import versions
from tare.normalisation.names import MEANINGS
from tare.reporting import html
from tare.reporting.console import begun, out, shown
from tare.reporting.page.frame import Badge, FirstScreen, Made, Step, framed
from tare.reporting.transfer import classification, multi_label, regression, segmentation
from tare.reporting.transfer.settings import settings_fold
from tare.reporting.transfer.told import headline, noun_of, of_test, one_of
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
_COUNTED = ("training ", "validation ", "test ")
_NOTED = "the network, the data and the options"
_CODE = re.compile(r"\bTARE\d{3}\b")


def print_run(run: TransferRun, page: Path) -> None:
    """Print the figure of the validation split, the normalisation, how to load the network, and where the page is."""
    chosen = run.normalisation
    name = begun(str(run.out))
    out.print(f"[bold]{name}[/]: validation {headline(run)}, strategy {chosen.strategy}", soft_wrap=True)
    for line in _told(run).lines(run):
        out.print(line, soft_wrap=True)
    if run.test is not None:
        out.print(f"test {headline(of_test(run))}, scored once", soft_wrap=True)
    if chosen.per_sample:
        beside = " (stated in tare.json; timm's config has no key for it)" if run.is_timm else ""
        out.print(f"every {one_of(run)} is normalised by {_own(run)}{beside}")
    elif len(chosen.mean) > _MOST_PRINTED:
        out.print(f"mean and std of {len(chosen.mean)} columns: in the report and in tare.json")
    else:
        out.print(f"mean = ({', '.join(f'{value:.6g}' for value in chosen.mean)})", soft_wrap=True)
        out.print(f"std  = ({', '.join(f'{value:.6g}' for value in chosen.std)})", soft_wrap=True)
    if not chosen.is_affine and chosen.per_sample is None:
        out.print(f"before them {chosen.input_map().why_not_affine()} (stated in tare.json)", soft_wrap=True)
    out.print(_load(run), soft_wrap=True, markup=False)
    out.print(f"report: {shown(str(page))}", soft_wrap=True)


def write_run(run: TransferRun, path: Path, command: str = "") -> None:
    """Write the run's self-contained page; ``command`` made the run."""
    from tare.reporting.transfer.charts import training_curves

    curves = training_curves(run.history, _epochs(run))
    parts, charts = _told(run).sections(run)
    below = [_fed(run), settings_fold(run), *html.notes(run.notes, _NOTED)]
    folds = [*_test(run), *parts, *_curves(run, curves), *below]
    write_text(path, framed("transfer", _first(run), folds, _made(run, command), {**curves, **charts}))


def _first(run: TransferRun) -> FirstScreen:
    title, picture = _told(run).picture(run)
    figure, settings = run.evaluation.headline, run.settings
    name = figure.name.capitalize() if figure.name.islower() else figure.name
    tested = f"{run.evaluation.samples:,} validation {noun_of(run)}"
    return FirstScreen(
        verdict=f"{name} {figure.in_words()} on {tested} (95% interval {figure.interval()}).",
        lead=_lead(run),
        badges=[Badge(f"strategy {run.normalisation.strategy}"), Badge(str(settings["protocol"])), *_task(run)],
        picture_title=title,
        picture=picture,
        steps=_steps(run),
        warning=" ".join(f"{note[:1].upper()}{note[1:].removesuffix('.')}." for note in run.notes if _warns(note)),
    )


def _task(run: TransferRun) -> list[Badge]:
    return [Badge(run.task.name)] if run.task is not None else []


def _steps(run: TransferRun) -> list[Step]:
    folder = f"{shell_word(run.out)}{_own_code(run)}"
    load = loading_call(run.model_dir, str(run.settings["model"]), in_timm=run.is_timm)
    return [
        Step(f"Answer for new {noun_of(run)}:", f"tare predict {folder} NEW"),
        Step(f"Load it{' in timm' if run.is_timm else ' in Python'}:", load),
        Step("Serve it, with the normalisation inside:", f"tare export {folder} --format onnx --out model.onnx"),
    ]


def _own_code(run: TransferRun) -> str:
    """The option that names the Python file of a network which is no library's: a model directory names it and never runs it."""
    model = str(run.settings["model"])
    return f" --model {shell_word(model)}" if model.rpartition(":")[0].endswith(".py") else ""


def _made(run: TransferRun, command: str) -> Made:
    settings = run.settings
    digests = {name: str(value) for name, value in settings.items() if name.startswith(_COUNTED) and name != "test files"}
    counted = {name.capitalize(): value.partition(" with ")[0] for name, value in digests.items()}
    facts = {"Network": str(settings["model"]), **counted, "Seed": str(settings["seed"])}
    facts["Libraries"] = ", ".join(f"{name} {number}" for name, number in versions().items() if name != "tare")
    return Made(str(settings["data"]), command, facts)


def _own(run: TransferRun) -> str:
    """What of its own a sample is normalised by."""
    return MEANINGS[run.normalisation.strategy].replace("each sample's", "its")


def _warns(note: str) -> bool:
    """Whether a remark is a finding that was allowed or is unusual: these name a code."""
    return _CODE.search(note) is not None


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
    name = run.evaluation.headline.name
    same = f" The best epoch was chosen on the same {noun_of(run)}, so this {name} is biased slightly upward."
    lead = _told(run).lead(run)
    test = "" if run.test is None else f" Test {headline(of_test(run))}, scored once."
    return f"{lead[:1].upper()}{lead[1:]}{same if run.history else ''}{test}"


def _test(run: TransferRun) -> list[str]:
    """The figures on the samples that were scored once."""
    if run.test is None:
        return []
    tested = of_test(run)
    said = f"{headline(tested)} on {run.settings['test']}, scored once with the weights that were kept."
    free = f"None of these {noun_of(run)} trained the network or chose an epoch."
    gist = f"{headline(tested)}, scored once"
    return [html.fold("Test", gist, [html.paragraph(f"{said} {free}"), _told(run).figures(tested)])]


def _curves(run: TransferRun, charts: dict[str, Any]) -> list[str]:
    if not charts:
        return []
    head, best = run.settings["head_epochs"], run.metrics["best_epoch"]
    first = "In the first epoch" if head == 1 else f"In the first {head} epochs"
    alone = f" {first} only the head was trained." if head else ""
    caption = f"The saved model is that of epoch {best:.0f} (dashed line), the first with the best {_epochs(run).words}.{alone}"
    gist = f"{len(run.history)} epochs; the saved model is that of epoch {best:.0f}"
    return [html.fold("Learning curves", gist, [html.panels(charts, caption)])]


def _fed(run: TransferRun) -> str:
    if run.normalisation.per_sample:
        sentence = f"every {one_of(run)} is normalised by {_own(run)}"
        return html.fold("What the network is fed", sentence, [_moments(run)])
    before = {"image": ", before resize and augmentation", "signal": ", before signals are cut or padded"}.get(run.kind, "")
    sentence = (
        f"Target mean and std are those of the training split, in unit values{before}, ± standard error (which counts "
        f"{noun_of(run)}). Subtracted and divided by are the constants of the normalisation. Mean and std fed are those of the "
        "network's input."
    )
    sentence += "" if run.normalisation.is_affine else f" Before them {run.normalisation.input_map().why_not_affine()}."
    gist = f"strategy {run.normalisation.strategy}: mean and std of {len(run.target_stats.channels)} channels"
    return html.fold("What the network is fed", gist, [html.paragraph(sentence), _moments(run)])


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
    return html.table("", headings, rows)


def _load(run: TransferRun) -> str:
    call = loading_call(run.model_dir, str(run.settings["model"]), in_timm=run.is_timm)
    return f"load it{' in timm' if run.is_timm else ''}: {call}"
