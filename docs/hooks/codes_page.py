"""The table of TARE codes with the story of each, from the rules themselves."""

from __future__ import annotations

from tare.checking.rules.rule import Rule
from tare.checking.rules.table import RULES

_HEAD = """# Codes of findings

What [`tare check`](../check.md) and [`tare.watch`](../watch.md) report, as `tare rule CODE` tells it. Errors and warnings make
`tare check` leave with exit code 1, notes do not. [The gallery](../gallery.md) shows pipelines that people wrote, with the codes
they get; [Check](../check.md#detection) says how often each is found.
"""


def codes_page() -> str:
    """A table of all codes, then a section a code."""
    rows = [f"| [{rule.code}](#{rule.code.lower()}) | {rule.name} | {rule.severity} | {rule.title} |" for rule in RULES]
    return "\n".join([_HEAD, "| code | name | severity | what |", "|---|---|---|---|", *rows, "", *map(_section, RULES)])


def _section(rule: Rule) -> str:
    heading = f"## {rule.code} {rule.name} {{ #{rule.code.lower()} }}"
    example = f"```python\n# wrong\n{rule.wrong}\n\n# right\n{rule.right}\n```"
    return f"{heading}\n\n**{rule.title}** ({rule.severity})\n\n{rule.story}\n\n{example}\n"
