"""Rules on the terminal: all in a list, or the story of one."""

from __future__ import annotations

from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from tare.checking.rules.index import RuleText, index
from tare.reporting.console import out
from tare.system.terminal.streams import output


def print_rule(rule: RuleText) -> None:
    """Print a rule's story with its example."""
    console = Console(highlight=False, emoji=False, width=100, file=output())
    console.print(Text.assemble((f"{rule.code} {rule.name}", "bold"), f" ({rule.severity})\n{rule.title}\n"))
    console.print(Text(rule.story))
    console.print(Text.assemble("\n", ("wrong  ", "red"), rule.wrong))
    console.print(Text.assemble(("right  ", "green"), rule.right))


def print_rules() -> None:
    """Print the codes and titles of all rules."""
    for rule in index().values():
        out.print(Text(f"{rule.code}  {rule.severity:8} {rule.name:24} {rule.title}"), soft_wrap=True)


def rule_document(rule: RuleText) -> dict[str, str]:
    """A rule as a JSON object."""
    return asdict(rule)
