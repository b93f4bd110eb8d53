"""Findings about files for other tools."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from tare.checking.repository.result import CodeReport, Edit
from tare.code.files.document import Skipped
from tare.code.place import Place
from tare.reporting.findings.formats import FORMATS
from tests.code_findings import finding, report

NASTY = ["a\n::error::b", "a%0A::stop-commands::x", "a,line=9", "a::b", "a\r\nb", "\x1b[2J", "caf\udce9", "\ufffe", "<&\"']]>"]
IN_NOTEBOOK = finding(place=Place("a.ipynb", 2, 1, 2, 5, cell=4), edits=(Edit(Place("a.ipynb", 2, 1, 2, 5, cell=4), "x"),))


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314 - our own text


def everything(text: str) -> CodeReport:
    """A report with a text wherever a file can put one."""
    one = finding("TARE010", text, message=text, remedy=text, cost=text, source=text)
    return report(one, skipped=(Skipped(text, text),), notes=(text,))


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("name", FORMATS)
def test_any_text_is_written_and_can_be_printed(name: str, text: str) -> None:
    written = FORMATS[name](everything(text))
    written.encode("utf-8")
    if name == "junit":
        parsed(written)
    elif name == "html":
        assert "\x1b" not in written
        assert "<&\"']]>" not in written
    elif name != "github":
        json.loads(written)


@pytest.mark.parametrize("text", NASTY)
def test_no_text_becomes_a_command_or_property_of_github(text: str) -> None:
    first, second = FORMATS["github"](everything(text)).splitlines()
    command, _, _ = first.removeprefix("::").partition("::")
    kind, _, properties = command.partition(" ")
    assert kind == "error"
    names = [each.partition("=")[0] for each in properties.split(",")]
    assert names == ["title", "file", "line", "endLine", "col", "endColumn"]
    assert second.startswith("::notice title=not read,file=")
    assert re.fullmatch(r"::notice title=not read,file=[^:,\s]*::.*", second)


def test_annotations_have_lines_and_columns() -> None:
    assert FORMATS["github"](report(finding(evidence=(), cost=""))) == (
        "::error title=TARE010,file=train.py,line=3,endLine=3,col=8,endColumn=12::std 0.255 is a typo of 0.225; write 0.225"
    )
    of_two_lines = finding(severity="note", place=Place("a.py", 3, 8, 5, 2))
    assert "::notice title=TARE010,file=a.py,line=3,endLine=5::" in FORMATS["github"](report(of_two_lines))
    assert "::error title=TARE010,file=a.ipynb::code cell 4, line 2: " in FORMATS["github"](report(IN_NOTEBOOK))
    assert FORMATS["github"](report()) == ""


def sarif(*found: Any, **changes: Any) -> Any:
    return json.loads(FORMATS["sarif"](report(*found, **changes)))["runs"][0]


def test_sarif_has_rules_regions_related_places_and_fixes() -> None:
    run = sarif(finding("TARE011"), finding())
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["TARE010", "TARE011"]
    result = run["results"][1]
    assert (result["ruleId"], result["ruleIndex"], result["level"]) == ("TARE010", 0, "error")
    region = {"startLine": 3, "startColumn": 8, "endLine": 3, "endColumn": 13}
    where = {"physicalLocation": {"artifactLocation": {"uri": "train.py"}, "region": region}}
    assert result["locations"] == [where]
    assert [each["message"]["text"] for each in result["relatedLocations"]] == ["STD", "Normalize"]
    assert [each["id"] for each in result["relatedLocations"]] == [1, 2]
    change = {"deletedRegion": region, "insertedContent": {"text": "0.225"}}
    assert result["fixes"][0]["artifactChanges"] == [{"artifactLocation": {"uri": "train.py"}, "replacements": [change]}]


def test_sarif_keeps_to_the_structure_of_the_standard() -> None:
    log = json.loads(FORMATS["sarif"](report(finding(), IN_NOTEBOOK, finding("TARE999"), skipped=(Skipped("a b.py", "why"),))))
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert set(result) <= {
            *("ruleId", "ruleIndex", "level", "message", "locations", "relatedLocations", "partialFingerprints", "fixes")
        }
        for each in (*result["locations"], *result.get("relatedLocations", ())):
            region = each["physicalLocation"].get("region", {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1})
            assert min(region.values()) >= 1
            assert (region["startLine"], region["startColumn"]) <= (region["endLine"], region["endColumn"])
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a%20b.py"
    names = Counter(result["partialFingerprints"]["tareFinding/v1"] for result in run["results"])
    assert max(names.values()) == 1


def test_sarif_of_a_notebook_names_the_cell_and_gives_no_region_or_fix() -> None:
    (result,) = sarif(IN_NOTEBOOK)["results"]
    assert result["locations"][0] == {
        "physicalLocation": {"artifactLocation": {"uri": "a.ipynb"}},
        "logicalLocations": [{"fullyQualifiedName": "code cell 4, line 2"}],
    }
    assert "fixes" not in result


def test_a_place_without_an_end_has_a_region() -> None:
    (result,) = sarif(finding(place=Place("a.py", 3, 8)))["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 3, "startColumn": 8, "endLine": 3, "endColumn": 8}


def test_a_path_that_is_no_text_is_a_uri_of_its_bytes() -> None:
    (result,) = sarif(finding(path="caf\udce9/ä b.py"))["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "caf%E9/%C3%A4%20b.py"
    assert unquote(uri, errors="surrogateescape") == "caf\udce9/ä b.py"


def test_gitlab_knows_a_finding_again_when_lines_move() -> None:
    before, after = (json.loads(FORMATS["gitlab"](report(finding(line=line)))) for line in (3, 30))
    assert before[0]["fingerprint"] == after[0]["fingerprint"]
    assert before[0]["location"] == {"path": "train.py", "lines": {"begin": 3, "end": 3}}
    assert (before[0]["check_name"], before[0]["severity"]) == ("TARE010", "major")
    assert json.loads(FORMATS["gitlab"](report(IN_NOTEBOOK)))[0]["location"]["lines"] == {"begin": 1, "end": 1}
    assert json.loads(FORMATS["gitlab"](report())) == []


def test_junit_has_a_test_a_finding_and_one_if_there_is_none() -> None:
    found = report(finding(), finding(severity="note"), skipped=(Skipped("old.py", "Python 2"),))
    root = parsed(FORMATS["junit"](found))
    (suite,) = root
    assert [suite.get(name) for name in ("tests", "failures", "skipped")] == ["3", "1", "1"]
    assert [[child.tag for child in case] for case in suite] == [["failure"], ["system-out"], ["skipped"]]
    assert "train.py:3:8: std 0.255" in (suite[0][0].text or "")
    (clean,) = parsed(FORMATS["junit"](report()))[0]
    assert (clean.get("name"), len(clean)) == ("5 files read", 0)


def test_junit_fails_where_the_check_does() -> None:
    root = parsed(FORMATS["junit"](report(finding(severity="warning"), fail_on="error")))
    assert root.get("failures") == "0"
