"""Outcomes kept in a file, one JSON object a line, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.mutation.mutants import Mutant
from benchmarks.mutation.running import Outcome


def fingerprint(paths: Sequence[Path]) -> str:
    """Of the module and its tests: outcomes of another text are another's."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


class Record:
    """What is known of each mutant under the texts as they are.

    A mutant that the tests killed stays killed when tests are added, so that with ``kept`` it is not run again under other tests;
    survivors are.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[tuple[str, str, str], tuple[str, Outcome]] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                key = (entry["module"], entry["source"], entry["key"])
                self._known[key] = (entry["tests"], Outcome(**entry["outcome"]))

    def get(self, mutant: Mutant, source: str, tests: str, *, kept: bool = True) -> Outcome | None:
        """The outcome if it holds for these texts."""
        known = self._known.get((mutant.module, source, mutant.key))
        if known is None:
            return None
        with_tests, outcome = known
        return outcome if with_tests == tests or (kept and outcome.status == "killed") else None

    def last(self, mutant: Mutant, source: str) -> Outcome | None:
        """The outcome under whichever tests came last: a survivor may have found its test since."""
        known = self._known.get((mutant.module, source, mutant.key))
        return known and known[1]

    def put(self, mutant: Mutant, source: str, tests: str, outcome: Outcome) -> None:
        """Append an outcome."""
        self._known[(mutant.module, source, mutant.key)] = (tests, outcome)
        entry = {"module": mutant.module, "source": source, "tests": tests, "key": mutant.key, "outcome": asdict(outcome)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
