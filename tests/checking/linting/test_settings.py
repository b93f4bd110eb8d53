"""``[tool.tare]`` of a pyproject.toml."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tare.checking.linting.settings import Settings, settings_for
from tare.errors import SpecError

WHOLE = """
[tool.other]
x = 1

[tool.tare]
select = ["TARE0", "tare1"]
ignore = ["normalised-twice"]
exclude = ["old/", "*.gen.py"]
network = "timm:resnet50"
fail-on = "error"
baseline = "known.json"

[tool.tare.per-file-ignores]
"tests/*" = ["TARE010"]

[tool.tare.networks]
"serving/*" = "timm:vit_base_patch16_224"
"""


def settings(folder: Path, text: str) -> Settings:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return settings_for([str(folder)])


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_key_is_read(tmp_path: Path) -> None:
    read = settings(tmp_path, WHOLE.replace("tare1", "TARE01"))
    assert read == Settings(
        tmp_path,
        ("TARE0", "TARE01"),
        ("TARE003",),
        {"tests/*": ("TARE010",)},
        ("old/", "*.gen.py"),
        "timm:resnet50",
        {"serving/*": "timm:vit_base_patch16_224"},
        "error",
        "known.json",
    )


def test_the_nearest_table_above_all_paths_counts(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.tare]\nnetwork = "timm:outer"\n')
    for name in ("a", "b"):
        (tmp_path / "inner" / name).mkdir(parents=True)
    (tmp_path / "inner" / "pyproject.toml").write_text("[tool.other]\n")
    (tmp_path / "inner" / "a" / "pyproject.toml").write_text('[tool.tare]\nnetwork = "timm:a"\n')
    assert settings_for(["inner/a"]).network == "timm:a"
    assert settings_for(["inner/a", "inner/b"]).network == "timm:outer"
    assert settings_for(["inner/a/missing.py"]).network == "timm:a"


def test_without_a_table_nothing_is_set() -> None:
    assert settings_for(["."]).network is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.tare]\nselct = []", r"a key of \[tool.tare\] of '.*pyproject.toml', found 'selct'; did you mean select\?"),
        ("[tool.tare]\nxyz = []", "it has select, ignore"),
        ('[tool.tare]\nselect = "TARE010"', "a list of texts for select"),
        ('[tool.tare]\nselect = ["TARE999"]', "codes or names of rules for select"),
        ("[tool.tare]\nexclude = [1]", "a list of texts for exclude"),
        ("[tool.tare]\nnetwork = 3", "text for network"),
        ('[tool.tare]\nper-file-ignores = ["TARE010"]', "a table for per-file-ignores"),
        ('[tool.tare.per-file-ignores]\n"a" = ["E1"]', "codes or names of rules for 'a' of per-file-ignores"),
        ('[tool.tare]\nexclude = ["#a"]', "a pattern of paths for exclude in .*'#a': it is a comment or nothing"),
        ('[tool.tare]\nexclude = ["a*b*c*d*"]', "it has more than three"),
        ('[tool.tare]\nexclude = ["./"]', "it is no pattern"),
        ('[tool.tare.networks]\n"!a" = "timm:resnet50"', "'!a': it stands alone, and ! takes back a pattern before it"),
        ('[tool.tare.per-file-ignores]\n"!a" = ["TARE010"]', "a pattern of paths for per-file-ignores in .*'!a'"),
        ('[tool.tare.networks]\n"a" = 1', "text for 'a' of networks"),
        ('[tool.tare]\nfail-on = "note"', "error or warning for fail-on"),
        ("[tool]\ntare = 1", "a table"),
        ("tool = 1", "a readable pyproject.toml"),
        ("[tool.tare", "a readable pyproject.toml"),
        ("a = " + "[" * 5000, "a readable pyproject.toml"),
    ],
)
def test_what_means_nothing_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message) as raised:
        settings(tmp_path, text)
    assert "\n" not in str(raised.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SpecError, match="a readable pyproject"):
        settings_for([str(tmp_path)])


def test_patterns_are_of_paths_from_the_settings_wherever_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = settings(tmp_path, WHOLE.replace('"tare1"', '"TARE01"'))
    assert read.ignored_in("tests/deep/test_a.py") == ("TARE010",)
    assert read.ignored_in("src/tests/a.py") == ()
    assert read.network_for("serving/app.py") == "timm:vit_base_patch16_224"
    assert read.network_for("train.py") == "timm:resnet50"
    assert read.matches("old/a/b.py", "old/")
    assert read.matches("src/x.gen.py", "*.gen.py")
    assert read.matches("src/old/a.py", "old")
    assert not read.matches("src/old/a.py", "./old")
    assert read.matches("old/a.py", "./old/")
    assert not read.matches("src/deep/a.py", "src/*.py")
    assert read.matches("src/deep/a.py", "src/**/*.py")
    (tmp_path / "serving").mkdir()
    monkeypatch.chdir(tmp_path / "serving")
    assert read.network_for("app.py") == "timm:vit_base_patch16_224"
    assert read.network_for("../train.py") == "timm:resnet50"


def test_a_link_that_leads_to_itself_has_no_settings(tmp_path: Path) -> None:
    (tmp_path / "loop.py").symlink_to("loop.py")
    assert settings_for([str(tmp_path / "loop.py")]) == Settings()


def test_a_pipe_a_device_and_a_huge_file_are_not_waited_for(tmp_path: Path) -> None:
    place = tmp_path / "pyproject.toml"
    os.mkfifo(place)
    with pytest.raises(SpecError, match="not a regular file but a named pipe"):
        settings_for([str(tmp_path)])
    place.unlink()
    place.touch()
    os.truncate(place, 1 << 30)
    with pytest.raises(SpecError, match="1,073,741,824 bytes, more than"):
        settings_for([str(tmp_path)])
    place.unlink()
    place.write_text("tool = 1")
    with pytest.raises(SpecError, match="tool is a int, not a table"):
        settings_for([str(tmp_path)])
