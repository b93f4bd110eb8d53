"""Change one thing at a time in the numeric core and see whether its tests notice: ``python -m benchmarks.mutation``.

Survivors are printed with file, line and change; those listed in ``equivalent.py`` are counted apart, with their reason. Outcomes
are kept in ``--record``, so that an interrupted run goes on; a mutant that was killed is not run again when tests are added.
"""

from __future__ import annotations

import argparse
import random
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mutation import running
from benchmarks.mutation.equivalent import EQUIVALENT
from benchmarks.mutation.mutants import Mutant, Mutated
from benchmarks.mutation.record import Record, fingerprint
from benchmarks.mutation.running import Outcome
from benchmarks.mutation.targets import LEFT_OUT, TARGETS

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Result:
    """A mutant and what its tests said."""

    mutant: Mutant
    outcome: Outcome

    @property
    def reason(self) -> str | None:
        """Why the mutant is none, if it is listed so."""
        return EQUIVALENT.get(self.mutant.module, {}).get(self.mutant.key)

    @property
    def verdict(self) -> str:
        """``killed`` (by a test, or by running out of time), ``equivalent`` or ``survived``."""
        if self.outcome.status != "survived":
            return "killed"
        return "equivalent" if self.reason else "survived"


def main() -> None:
    """Run, print survivors and the table, and put the table into a document if asked."""
    given = _parsed()
    record = Record(given.record)
    if not given.only_recorded:
        running.load_libraries()
    results: dict[str, list[Result]] = {}
    totals: dict[str, int] = {}
    for module in given.modules or TARGETS:
        results[module], totals[module] = _of_module(module, record, given)
        for result in results[module]:
            if result.verdict == "survived":
                mutant = result.mutant
                place = f"src/tare/{module.replace('.', '/')}.py:{mutant.line}"
                print(f"{place}: {mutant.before}  ->  {mutant.after}    in: {mutant.text}", flush=True)
        _warn_of_stale(module, results[module], whole=given.sample is None)
    text = table(results, totals)
    print("\n" + text)
    if given.write:
        from benchmarks.marks import insert

        insert(given.write, "mutation", text)
    sys.exit(1 if any(r.verdict == "survived" for found in results.values() for r in found) else 0)


def _of_module(module: str, record: Record, given: argparse.Namespace) -> tuple[list[Result], int]:
    path = ROOT / "src" / "tare" / f"{module.replace('.', '/')}.py"
    files = [f"tests/{name}" for name in TARGETS[module]]
    source, tests = fingerprint([path]), fingerprint([ROOT / file for file in files]) + ("-quick" if given.quick else "")
    mutated = Mutated(module, path.read_text(encoding="utf-8"), str(path))
    places = list(range(len(mutated.mutants)))
    if given.sample is not None:
        places = sorted(random.Random(given.seed).sample(places, min(given.sample, len(places))))  # noqa: S311  # no secret
    known = {place: record.get(mutated.mutants[place], source, tests, kept=not given.afresh) for place in places}
    missing = [place for place in places if known[place] is None]
    if given.only_recorded:
        known = {place: record.last(mutated.mutants[place], source) for place in places}
        places = [place for place in places if known[place] is not None]
    elif missing:
        for done, (place, outcome) in enumerate(
            running.outcomes(mutated, files, missing, given.workers, LEFT_OUT, quick=given.quick), start=1
        ):
            record.put(mutated.mutants[place], source, tests, outcome)
            known[place] = outcome
            print(f"\r{module}: {done} of {len(missing)}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
    found = [(mutated.mutants[place], known[place]) for place in places]
    return [Result(mutant, outcome) for mutant, outcome in found if outcome is not None], len(mutated.mutants)


def _warn_of_stale(module: str, results: list[Result], *, whole: bool) -> None:
    """Say which entries of the list of equivalents stand for no survivor any more."""
    surviving = {result.mutant.key for result in results if result.outcome.status == "survived"}
    for key in EQUIVALENT.get(module, {}):
        if whole and key not in surviving:
            print(f"equivalent.py lists for {module} what is no survivor: {key}", file=sys.stderr)


def table(results: dict[str, list[Result]], totals: dict[str, int]) -> str:
    """Counts by module; ``totals`` are the mutants that there are."""
    lines = ["| module | mutants | tried | killed | of these by time | equivalent | surviving |", "|---|---|---|---|---|---|---|"]
    rows = [(f"`{module}`", found, totals[module]) for module, found in results.items()]
    rows.append(("**all**", [result for found in results.values() for result in found], sum(totals.values())))
    for name, found, total in rows:
        verdicts = [result.verdict for result in found]
        timeouts = sum(result.outcome.status == "timeout" for result in found)
        counts = (total, len(found), verdicts.count("killed"), timeouts, verdicts.count("equivalent"), verdicts.count("survived"))
        lines.append(f"| {name} | {' | '.join(f'{count:,}' for count in counts)} |")
    return "\n".join(lines)


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", choices=[*TARGETS, []], metavar="MODULE", help=f"of {', '.join(TARGETS)}; all")
    parser.add_argument("--record", type=Path, default=ROOT / ".mutation.jsonl", metavar="FILE", help="outcomes are kept here")
    parser.add_argument("--afresh", action="store_true", help="run killed mutants again when tests have changed")
    parser.add_argument("--only-recorded", action="store_true", help="run nothing, show what the record holds")
    parser.add_argument("--quick", action="store_true", help="a first look with few examples of each law: more survive")
    parser.add_argument("--sample", type=int, metavar="N", help="N mutants of each module, drawn with --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1, help="processes at a time")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table between the marks of this document")
    return parser.parse_args()


if __name__ == "__main__":
    main()
