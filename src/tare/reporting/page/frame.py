"""The frame of every page: the verdict, one picture and what to do now on the first screen; below it, what folds away."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from tare._version import __version__
from tare.reporting import html
from tare.system.terminal.harmless import escape

if TYPE_CHECKING:  # it loads altair, which pages without charts do not need
    from tare.reporting.charts import Chart

Tone = Literal["plain", "good", "bad"]


@dataclass(frozen=True, slots=True)
class Badge:
    """A word or two on the verdict; ``tone`` colours it."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do now: a sentence, and the command or code for it, if there is one."""

    sentence: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """How a page was made: what it is about, the command, and other facts by name."""

    data: str
    command: str = ""
    facts: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class FirstScreen:
    """What a reader sees first: the verdict in one sentence, one picture with its title, and what to do now."""

    verdict: str
    lead: str = ""
    badges: Sequence[Badge] = ()
    picture: Sequence[str] = ()
    picture_title: str = ""
    steps: Sequence[Step] = ()
    warning: str = ""


def framed(
    tool: str, first: FirstScreen, rest: Iterable[str], made: Made, charts: Mapping[str, Chart | dict[str, Any]] | None = None
) -> str:
    """The page of a command ``tool``; ``rest`` are the parts below the first screen."""
    when = _now()
    body = [
        f'<header class="masthead"><strong>tare {escape(tool)}</strong><span class="on">{escape(made.data)}</span>'
        f'<time datetime="{when:%Y-%m-%d}">{_in_words(when)}</time></header>',
        f"<main>{_first(first)}",
        *rest,
        "</main>",
        _footer(made, when),
    ]
    return html.page(f"tare {tool}", body, charts)


def _first(first: FirstScreen) -> str:
    badges = "".join(f'<li class="{badge.tone}">{escape(badge.text)}</li>' for badge in first.badges)
    verdict = [
        html.paragraph(first.warning, "unfinished") if first.warning else "",
        f'<ul class="badges">{badges}</ul>' if badges else "",
        html.heading(first.verdict, 1),
        html.paragraph(first.lead, "lead") if first.lead else "",
    ]
    title = html.heading(first.picture_title) if first.picture_title else ""
    picture = f'<div class="picture">{title}{"".join(first.picture)}</div>' if first.picture else ""
    return f'<section class="first"><div class="verdict">{"".join(verdict)}</div>{picture}{_todo(first.steps)}</section>'


def _todo(steps: Sequence[Step]) -> str:
    if not steps:
        return ""
    parts = [f"{html.paragraph(step.sentence)}{html.command(step.command) if step.command else ''}" for step in steps]
    return f'<aside class="todo">{html.heading("What to do now")}{"".join(parts)}</aside>'


def _footer(made: Made, when: datetime) -> str:
    facts = {"Data": made.data, **(made.facts or {}), "Made": f"{_in_words(when)} (UTC), by tare {__version__}"}
    rows = [f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items() if value]
    if made.command:
        rows.append(f"<dt>Command</dt><dd>{html.command(made.command)}</dd>")
    return f'<footer class="made">{html.heading("How this page was made")}<dl>{"".join(rows)}</dl></footer>'


def _in_words(when: datetime) -> str:
    return f"{when.day} {when:%B %Y}"


def _now() -> datetime:
    """The time in UTC; that of SOURCE_DATE_EPOCH, if it is set, so that a page can be made again bit by bit."""
    stated = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(stated), UTC) if stated.isdecimal() and len(stated) < 12 else datetime.now(UTC)
