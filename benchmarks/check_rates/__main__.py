"""False alarms and detections of ``tare check``: ``python -m benchmarks.check_rates [--quick] [--only TABLE] [--write FILE]``."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import chain, islice
from pathlib import Path

from benchmarks.check_rates import correct, other_kinds
from benchmarks.check_rates.case import Case, Result, run, table
from benchmarks.check_rates.mutants import mutants, networks
from benchmarks.check_rates.ways import Written, written
from benchmarks.check_rates.ways import table as programs_table
from benchmarks.marks import insert
from tare.checking.rules.table import RULES

_SECTIONS = ("correct", "mutants")
#: The table of programs, which are read and not run.
_PROGRAMS = "programs"
_QUICK = 2


def cases(section: str, quick: bool = False) -> Iterator[Case]:
    """The pipelines of one of the two tables; ``quick`` takes two networks, and timm's training transforms of two."""
    chosen = networks()[:_QUICK] if quick else networks()
    if section == "mutants":
        return mutants(chosen, every=quick)
    stock = () if quick else (correct.timm_evaluation(), correct.torchvision_weights(), correct.processors())
    training = correct.timm_training(every=100 if quick else 6)
    return chain(
        *stock,
        training,
        correct.own_transforms(chosen),
        correct.recipes(chosen),
        correct.kornia_sequences(chosen),
        other_kinds.cases(),
    )


def main() -> None:
    """Check all pipelines, print what is not as it should be, and print or write the tables."""
    arguments = _parsed()
    texts = {}
    wrong = 0
    for section in [arguments.only] if arguments.only else (*_SECTIONS, _PROGRAMS):
        if section == _PROGRAMS:
            programs = list(written())
            wrong += sum(_told(each) for each in programs)
            texts[section] = programs_table(programs)
            continue
        results = list(_results(section, arguments.quick, arguments.workers))
        for result in results:
            if not result.exact:
                wrong += 1
                found = result.failure or f"found {', '.join(sorted(result.codes)) or 'nothing'}"
                print(f"{result.case.group}: {result.case.name}: {found}", file=sys.stderr)
        texts[section] = _correct_table(results) if section == "correct" else _mutant_table(results)
    texts["codes"] = codes_table()
    for section, text in texts.items():
        if arguments.write is None:
            print(text + "\n")
        else:
            insert(arguments.write, section, text)
    sys.exit(1 if wrong else 0)


def _told(each: Written) -> bool:
    """Print what was found of a program, if it is not as it should be."""
    if not each.exact:
        found, cured = (", ".join(sorted(codes)) or "nothing" for codes in (each.found, each.cured))
        print(f"{each.mistake.name}: {each.way}: found {found}; after the remedy {cured}", file=sys.stderr)
    return not each.exact


def _results(section: str, quick: bool, workers: int) -> Iterator[Result]:
    """Results in the order of the cases; pipelines hold functions and are made anew in each worker."""
    jobs = [(section, quick, index, workers) for index in range(workers)]
    with ProcessPoolExecutor(workers) as pool:
        shares = list(pool.map(_share, jobs))
    for index in range(sum(map(len, shares))):
        yield shares[index % workers][index // workers]


def _share(job: tuple[str, bool, int, int]) -> list[Result]:
    section, quick, index, workers = job
    warnings.simplefilter("ignore")  # dividing by a std of 0 is one of the mistakes
    results = []
    for case in islice(cases(section, quick), index, None, workers):
        done = run(case)
        results.append(Result(Case(case.group, case.name, None, None, case.expected, case.stage), done.codes, done.failure))
    return results


def _correct_table(results: list[Result]) -> str:
    lines = ["| pipelines | checked | clean |", "|---|---|---|"]
    for group, found in table(results).items():
        lines.append(f"| {group} | {len(found)} | {sum(result.exact for result in found)} |")
    return "\n".join([*lines, f"| **all** | **{len(results)}** | **{sum(result.exact for result in results)}** |"])


def _mutant_table(results: list[Result]) -> str:
    lines = ["| mistake | codes | made | right code | and nothing else |", "|---|---|---|---|---|"]
    for group, found in table(results).items():
        codes = ", ".join(sorted({code for result in found for code in result.case.expected}))
        counts = f"{sum(result.right for result in found)} | {sum(result.exact for result in found)}"
        lines.append(f"| {group} | {codes} | {len(found)} | {counts} |")
    right, exact = sum(result.right for result in results), sum(result.exact for result in results)
    return "\n".join([*lines, f"| **all** | | **{len(results)}** | **{right}** | **{exact}** |"])


def codes_table() -> str:
    """All rules, one a row."""
    rows = [f"| {rule.code} | {rule.name} | {rule.severity} | {rule.title} |" for rule in RULES]
    return "\n".join(["| code | name | severity | what |", "|---|---|---|---|", *rows])


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.check_rates", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two networks, in every library: a few minutes")
    parser.add_argument("--only", choices=(*_SECTIONS, _PROGRAMS), help="one of the three tables")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables between the marks of this document")
    return parser.parse_args()


if __name__ == "__main__":
    main()
