"""Survivors that were looked at and change nothing that the module promises, each with the reason."""

from __future__ import annotations

#: By module and by what :attr:`benchmarks.mutation.mutants.Mutant.key` says.
EQUIVALENT: dict[str, dict[str, str]] = {}
