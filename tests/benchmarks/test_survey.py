"""The survey: folders are checked from within, labels are matched with findings, and pages are written between their marks."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from benchmarks.survey.__main__ import BEGIN, END, insert, main
from benchmarks.survey.examination import Examined, examination, read_findings, write_findings
from benchmarks.survey.kinds import CODES
from benchmarks.survey.labels import Label, judge, read_labels
from benchmarks.survey.tables import codes_table, recall_table, summary, verdict_table
from benchmarks.survey.verdicts import counted, read_verdicts

from tare.checking.repository import rules
from tare.checking.repository.result import CodeFinding, Step
from tare.checking.rules.table import RULES
from tare.code.files.document import Document
from tare.code.place import Place


def finding(code: str = "TARE007", line: int = 10, severity: str = "error", path: str = "a.py", **more: object) -> CodeFinding:
    return CodeFinding(code, severity, "m", "r", Place(path, line, end_line=line, **more))  # type: ignore[arg-type]


def examined(*findings: CodeFinding, folder: str = "one") -> Examined:
    return Examined(folder, findings, files=3, lines=30, skipped=(), seconds=0.5)


def label(line: int, kind: str = "std_equals_mean", certainty: str = "sure", path: str = "a.py", cell: int = 0) -> Label:
    return Label("one", path, cell, line, kind, certainty)


def test_a_folder_is_checked_from_within(tmp_path: Path) -> None:
    (tmp_path / "test_data").mkdir()
    (tmp_path / "test_data" / "a.py").write_text("MEAN = 1\n")
    seen: list[str] = []

    def examine(documents: Sequence[Document]) -> list[CodeFinding]:
        seen.extend(each.path for each in documents)
        return [finding(path="a.py")]

    result = examination(tmp_path / "test_data", examine, "first")
    assert seen == ["a.py"]
    assert (result.folder, result.files, result.lines, len(result.findings)) == ("first", 1, 1, 1)


def test_a_check_that_fails_is_told_and_does_not_end_the_survey(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")

    def examine(_documents: Sequence[Document]) -> list[CodeFinding]:
        raise RecursionError("too deep")

    result = examination(tmp_path, examine)
    assert result.failure == "RecursionError: too deep"
    assert "failed on 1" in summary([result])


@pytest.mark.parametrize(("line", "found"), [(10, True), (16, True), (17, False), (4, True), (3, False)])
def test_a_mistake_is_found_by_a_finding_a_few_lines_away(line: int, found: bool) -> None:
    assert bool(judge([label(line)], [examined(finding())]).found) is found


def test_evidence_at_the_place_counts_and_another_code_or_cell_does_not() -> None:
    far = CodeFinding("TARE007", "error", "m", "r", Place("b.py", 90), (Step("MEAN", Place("a.py", 10)),))
    assert judge([label(10)], [examined(far)]).found
    assert judge([label(10)], [examined(finding("TARE024"))]).missed
    assert judge([label(10, cell=2)], [examined(finding(cell=1))]).missed
    assert judge([label(10, cell=2)], [examined(finding(cell=2))]).found


def test_only_sure_mistakes_of_folders_that_were_read_count() -> None:
    other = Label("two", "a.py", 0, 10, "std_equals_mean", "sure")
    judged = judge([label(10), label(10, certainty="likely"), other], [examined()])
    assert (len(judged.found), len(judged.missed)) == (0, 1)
    assert judged.recall == 0


def test_a_finding_on_a_right_place_is_a_false_alarm_unless_it_is_a_note() -> None:
    right = label(10, kind="ok")
    assert len(judge([right], [examined(finding("TARE024"))]).alarms) == 1
    assert not judge([right], [examined(finding(severity="note"))]).alarms
    assert not judge([right], [examined(finding(line=14))]).alarms


def test_the_tables_count_without_naming_folders_or_files() -> None:
    found = [examined(finding(), finding(line=40), finding("TARE024", 50, "warning")), examined(finding(), folder="two")]
    judged = judge([label(10), label(90)], found)
    text = "\n".join([summary(found), codes_table(found), recall_table(judged)])
    title = next(rule.title for rule in RULES if rule.code == "TARE007")
    assert f"| TARE007 | error | {title} | 3 | 2 |" in text
    assert "| std equals mean | 2 | 1 |" in text
    assert "2 folders with 6 files of 60 lines" in text
    assert "a.py" not in text
    assert "two" not in text


def test_verdicts_are_matched_by_place_and_unread_findings_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.csv"
    with path.open("w", newline="") as lines:
        rows = csv.writer(lines)
        rows.writerow(["folder", "code", "path", "cell", "line", "verdict"])
        rows.writerows([["one", "TARE007", "a.py", 0, 10, "true"], ["one", "TARE007", "a.py", 0, 40, "false"]])
    counts = counted([examined(finding(), finding(line=40), finding(line=50))], read_verdicts(path))
    assert counts["error"] == Counter(true=1, false=1, unread=1)
    assert "| error | 3 | 2 | 1 | 1 | 0 |" in verdict_table(counts)


def test_labels_are_read_from_csv(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("folder,path,cell,line,kind,certainty,explanation\none,n.ipynb,3,7,ok,sure,why\n")
    assert read_labels(path) == [Label("one", "n.ipynb", 3, 7, "ok", "sure")]


def test_every_code_of_a_kind_is_the_code_of_a_rule() -> None:
    files = Path(rules.__file__).parent.glob("*.py")
    named = {code for file in files for code in re.findall(r"TARE\d{3}", file.read_text(encoding="utf-8"))}
    assert {code for codes in CODES.values() for code in codes} <= named | {rule.code for rule in RULES}


def test_the_page_is_written_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    insert(page, "new")
    insert(page, "newer")
    assert page.read_text() == f"before\n{BEGIN}\n\nnewer\n\n{END}\nafter\n"
    (tmp_path / "bare.md").write_text("nothing")
    with pytest.raises(SystemExit, match="no marks"):
        insert(tmp_path / "bare.md", "new")


def test_findings_are_written_one_folder_a_line_and_read_again(tmp_path: Path) -> None:
    evidence = (Step("MEAN", Place("b.py", 3, 2, 3, 9)),)
    place = Place("n.ipynb", 7, 1, 8, 4, cell=2)
    one = examined(CodeFinding("TARE007", "error", "m", "r", place, evidence, "8 points", source="x = 1"))
    write_findings(tmp_path / "f.jsonl", [one, examined(folder="two")])
    rows = [json.loads(line) for line in (tmp_path / "f.jsonl").read_text().splitlines()]
    assert [(row["folder"], len(row["findings"])) for row in rows] == [("one", 1), ("two", 0)]
    assert read_findings(tmp_path / "f.jsonl") == [one, examined(folder="two")]


def test_the_command_checks_a_folder_and_keeps_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "repo").mkdir()
    lines = ["from torchvision import transforms", "t = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.255])"]
    (tmp_path / "repo" / "data.py").write_text("\n".join(lines))
    labels = tmp_path / "labels.csv"
    labels.write_text("folder,path,cell,line,kind,certainty\nrepo,data.py,0,2,constant_typo,sure\n")
    options = ["--root", str(tmp_path), "--labels", str(labels), "--findings", str(tmp_path / "f.jsonl")]
    assert main([str(tmp_path / "repo"), *options]) == 0
    printed = capsys.readouterr().out
    assert "| constant typo | 1 | 1 |" in printed
    assert main(["--read", str(tmp_path / "f.jsonl"), "--labels", str(labels)]) == 0
    assert capsys.readouterr().out == printed
