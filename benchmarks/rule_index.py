"""``python -m benchmarks.rule_index``: write the texts of the rules to ``checking/rules/index.json``."""

from __future__ import annotations

import json
from dataclasses import fields

from tare.checking.rules.index import PATH, RuleText
from tare.checking.rules.table import RULES


def rule_index() -> str:
    """The texts of all rules as a JSON document, a line each."""
    rules = [json.dumps({each.name: getattr(rule, each.name) for each in fields(RuleText)}) for rule in RULES]
    return '{"schema": "tare.rules/1", "rules": [\n' + ",\n".join(rules) + "\n]}\n"


def main() -> None:
    """Write the index."""
    PATH.write_text(rule_index(), encoding="utf-8")


if __name__ == "__main__":
    main()
