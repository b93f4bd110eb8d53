"""What a study logs to trackers: every score by seed, and every paired difference with its interval."""

from __future__ import annotations

from tare.studying.result import StudyRun
from tare.system.trackers.tracker import Trackers

_FILES = ("plan.json", "summary.json", "results.parquet")


def log_study(run: StudyRun, trackers: Trackers) -> None:
    """Log a finished study: scores with the seed as the step, differences from the baseline, and the files of its folder."""
    for seed in range(run.plan.seeds):
        trackers.numbers(_scores(run, seed), seed)
    differences: dict[str, float] = {}
    for name, analysis in run.analyses.items():
        for one in analysis.contrasts:
            of_it = "/".join([f"{name} above {analysis.baseline}", *(value for _, value in one.group), one.strategy])
            gap = one.difference
            differences |= {of_it: gap.estimate, f"{of_it} low": gap.low, f"{of_it} high": gap.high}
    trackers.numbers(differences, run.plan.seeds)
    for file in _FILES:
        trackers.file(run.folder / file)


def _scores(run: StudyRun, seed: int) -> dict[str, float]:
    """The scores of one seed, by their name, the cell that they belong to, and the strategy."""
    found: dict[str, float] = {}
    for row in (row for row in run.rows if row["seed"] == seed):
        where = [str(row[key]) for key in ("network", "protocol", "batchnorm", "shift", "size", "strategy") if key in row]
        found |= {"/".join([name, *where]): row[name] for name in run.analyses if row[name] is not None}
    return found
