"""Which files of given paths are read; git itself is the reference for what is ignored."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tare.code.files.listing import DEEPEST, listed
from tare.errors import DataError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(*names: str, text: str = "") -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)


def names(*paths: str, exclude: Sequence[str] = ()) -> list[str]:
    return list(listed([Path(path) for path in paths], exclude=exclude).names)


def test_code_notebooks_and_configurations_are_listed_in_the_order_of_their_names() -> None:
    make("b.py", "a/z.ipynb", "a/b/c.yaml", "a-b.yml", "a.json", "x.toml", "README.md", "weights.pth", "UPPER.PY")
    assert names(".") == ["UPPER.PY", "a/b/c.yaml", "a/z.ipynb", "a-b.yml", "a.json", "b.py", "x.toml"]


@pytest.mark.parametrize(
    "name", [".venv/a.py", ".hidden.py", "node_modules/a.json", "lib/site-packages/a.py", "build/a.py", "pkg.egg-info/a.json"]
)
def test_hidden_built_and_installed_files_are_left_out_unless_they_are_named(name: str) -> None:
    make(name, "kept.py")
    assert names(".") == ["kept.py"]
    assert names(name) == [name]
    if "/" in name:
        assert names(str(Path(name).parent)) == [name]


def test_an_environment_is_known_by_what_stands_in_it() -> None:
    make("mine/pyvenv.cfg", "mine/a.py", "conda/conda-meta/x.json", "conda/a.py", "env/a.py")
    assert names(".") == ["env/a.py"]


def test_files_named_twice_are_listed_once_and_files_named_themselves_are_known() -> None:
    make("a/x.py", "a/y.py")
    listing = listed([Path("a"), Path("a/x.py"), Path("./a/../a/x.py")])
    assert listing.names == ("a/x.py", "a/y.py")
    assert listing.named == {"a/x.py"}


def test_a_path_outside_the_working_directory_is_shown_relative_to_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make("one/a.py", "two/b.py")
    monkeypatch.chdir(here / "one")
    assert names("../two", str(here / "one")) == ["../two/b.py", "a.py"]


def test_a_path_that_is_not_there_is_an_error() -> None:
    with pytest.raises(
        DataError, match=r"expected a file or folder to check, found 'nothing\.py', which is not there or not yours to read"
    ):
        listed([Path("nothing.py")])


def test_exclusions_hold_for_folders_and_not_for_files_that_are_named() -> None:
    make("a/x.py", "a/b/y.py", "old/z.py")
    assert names(".", exclude=["old/", "a/b"]) == ["a/x.py"]
    assert names(".", "old/z.py", exclude=["old"]) == ["a/b/y.py", "a/x.py", "old/z.py"]
    assert names("a", exclude=["b/"]) == ["a/x.py"]


def test_patterns_that_are_none_and_patterns_that_take_ages_are_not_heeded() -> None:
    make("a" * 200 + ".py", "b.py")
    Path(".gitignore").write_text("!\n" + "*a" * 40 + "b\n" + "**/a/" * 10 + "x\nb.py\n\\\n")
    assert names(".") == ["a" * 200 + ".py"]


IGNORED = {
    "a name": ("x.py\n", ""),
    "a folder": ("sub/\n", ""),
    "a name only at the top": ("/x.py\n", ""),
    "back again": ("*.py\n!keep.py\n", ""),
    "no way back into a folder": ("sub\n!sub/keep.py\n", ""),
    "a way back into what a folder holds": ("sub/**\n!sub/keep.py\n", ""),
    "stars": ("sub/*\n!sub/deep\n", ""),
    "an inner file wins": ("*.py\n", "!x.py\n"),
    "an inner file adds": ("keep.py\n", "/x.py\n"),
    "two stars": ("**/deep/x.py\n", ""),
    "spaces and comments": ("# x.py\nkeep.py   \n\\#odd.py\n", ""),
    "classes": ("[kx]*.py\n", ""),
    "a mark and line ends of Windows": ("\ufeffx.py\r\nkeep.py\r\n", ""),
}


@pytest.mark.skipif(shutil.which("git") is None, reason="git is the reference")
@pytest.mark.parametrize("case", IGNORED)
def test_git_leaves_out_the_same_files(here: Path, case: str) -> None:
    outer, inner = IGNORED[case]
    make("x.py", "keep.py", "#odd.py", "sub/x.py", "sub/keep.py", "sub/deep/x.py", "sub/deep/keep.py")
    Path(".gitignore").write_text(outer, encoding="utf-8")
    Path("sub/.gitignore").write_text(inner, encoding="utf-8")
    git(here, "init", "-q")
    wanted = git(here, "ls-files", "--others", "--exclude-standard", "-z").split("\0")
    assert sorted(names(".")) == sorted(name for name in wanted if name.endswith(".py"))
    if case not in {"a folder", "no way back into a folder"}:
        assert sorted(names("sub")) == sorted(name for name in wanted if name.startswith("sub/") and name.endswith(".py"))


def test_a_folder_that_git_leaves_out_is_read_if_it_is_named() -> None:
    make("sub/x.py", "sub/deep/x.py", "sub/y.py", ".git/HEAD")
    Path(".gitignore").write_text("sub/\n")
    Path("sub/.gitignore").write_text("y.py\n")
    assert names(".") == []
    assert names("sub") == ["sub/deep/x.py", "sub/x.py"]
    assert names("sub/deep") == ["sub/deep/x.py"]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is the reference")
def test_the_private_exclusions_of_a_repository_hold_in_each_of_its_work_trees(here: Path) -> None:
    make("one/x.py", "one/keep.py")
    git(here / "one", "init", "-q")
    git(here / "one", "add", "keep.py")
    git(here / "one", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "one")
    git(here / "one", "worktree", "add", "-q", "../two")
    Path("one/.git/info/exclude").write_text("x.py\n")
    make("two/x.py")
    assert names("one", "two") == ["one/keep.py", "two/keep.py"]


def git(folder: Path, *words: str) -> str:
    quiet = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(["git", *words], cwd=folder, env=quiet, capture_output=True, text=True, check=True)  # noqa: S603, S607
    return done.stdout


def test_links_are_not_followed_and_those_that_lead_out_are_named(here: Path) -> None:
    make("in/a.py", "out/b.py")
    Path("in/again").symlink_to(here / "in")
    Path("in/loop.py").symlink_to("loop.py")
    Path("in/same.py").symlink_to("a.py")
    Path("in/outside").symlink_to(here / "out")
    Path("in/b.py").symlink_to("../out/b.py")
    Path("in/gone.py").symlink_to("nowhere.py")
    Path("in/gone.txt").symlink_to("nowhere.txt")
    listing = listed([Path("in")])
    assert listing.names == ("in/a.py",)
    assert [(each.path, each.reason.partition(":")[0]) for each in listing.skipped] == [
        ("in/b.py", "it is a link out of the folder"),
        ("in/gone.py", "it is a link that leads nowhere"),
        ("in/loop.py", "it is a link that leads nowhere"),
        ("in/outside", "it is a link out of the folder"),
    ]
    assert names("in/b.py") == ["in/b.py"]
    assert names("in/outside") == ["in/outside/b.py"]


def test_other_names_of_what_is_listed_are_told() -> None:
    make("in/a.py", "in/deep/b.py", "out/c.py", ".quiet/d.py")
    for link, target in {
        "again": "in",
        "same.py": "in/a.py",
        "in/top": "..",
        "in/deep/first.py": "../../.quiet/d.py",
        "in/deep/second.py": "../../.quiet/d.py",
        "lost.py": "/nowhere.py",
        ".quiet/e.py": "../in/a.py",
    }.items():
        Path(link).symlink_to(target)
    listing = listed([Path()])
    assert listing.names == ("in/a.py", "in/deep/b.py", "in/deep/first.py", "out/c.py")
    assert listing.links.targets == {
        "again": "in",
        "in/deep/second.py": "in/deep/first.py",
        "in/top": "",
        "same.py": "in/a.py",
    }
    assert listing.links.own("in/top/again/top/same.py") == "in/a.py"
    assert listing.links.own("in/top/new.py") == "new.py"
    assert listed([Path("in")]).links.targets == {}


def test_a_file_of_two_names_is_listed_once_under_its_own() -> None:
    make("real/a.py", "b.py")
    Path("a.py").symlink_to("real/a.py")
    Path("linked").symlink_to("real")
    for paths in (["a.py", "real"], ["real/a.py", "a.py"], ["linked", "real"], ["linked/a.py", "."], ["a.py", "linked", "real"]):
        found = listed([Path(each) for each in paths])
        assert [each for each in found.names if each != "b.py"] == ["real/a.py"]
        assert found.named == frozenset(["real/a.py"] if any(each.endswith(".py") for each in paths) else [])
    assert names("a.py") == ["a.py"]
    assert names("a.py", "linked") == ["a.py"]  # the first, where its own is not asked for


LEFT_OUT_TARGETS = [".dvc/cache/ab12", "build/real.py", "ignored/real.py", "old/real.py", "tool", ".hidden.py"]


@pytest.mark.parametrize("target", LEFT_OUT_TARGETS)
def test_a_link_to_a_file_that_is_left_out_under_its_own_name_is_read(target: str) -> None:
    make(target, "kept.py")
    Path(".gitignore").write_text("ignored/\n")
    Path("train.py").symlink_to(target)
    Path("twice.py").symlink_to("train.py")  # one file is read once
    Path("notes.txt").symlink_to(target)
    listing = listed([Path()], exclude=["old"])
    assert listing.names == ("kept.py", "train.py")
    assert listing.skipped == ()


@pytest.mark.parametrize("target", [".dvc/pkg", "build/pkg", "ignored", "old/pkg"])
def test_a_link_to_a_folder_that_is_left_out_is_named(target: str) -> None:
    make(f"{target}/b.py", "kept.py", "sub/deep/c.py")
    Path(".gitignore").write_text("ignored/\nmine\n")
    for name in ("pkg", "mine", "dist", ".quiet"):  # all but the first are left out as names
        Path(name).symlink_to(target)
    Path("again").symlink_to("sub/deep")
    listing = listed([Path()], exclude=["old"])
    assert listing.names == ("kept.py", "sub/deep/c.py")
    assert [(each.path, each.reason) for each in listing.skipped] == [
        ("pkg", "it is a link to a folder that is left out: name it to read it")
    ]
    assert names("pkg") == ["pkg/b.py"]


def test_an_environment_behind_a_link_is_left_out_as_one(here: Path) -> None:
    make("in/a.py", "in/.venv/pyvenv.cfg", "in/.venv/b.py", "other/pyvenv.cfg")
    Path("in/env").symlink_to(".venv")
    Path("in/far").symlink_to(here / "other")
    assert names("in") == ["in/a.py"]
    assert listed([Path("in")]).skipped == ()


def test_a_link_to_what_another_path_lists_is_not_named(here: Path) -> None:
    make("one/a.py", "two/b.py", "two/sub/c.py", "three/d.py")
    Path("one/b.py").symlink_to(here / "two" / "b.py")
    Path("one/sub").symlink_to(here / "two" / "sub")
    Path("one/d.py").symlink_to(here / "three" / "d.py")
    Path("through").symlink_to("one")
    assert listed([Path("one"), Path("two"), Path("three/d.py")]).skipped == ()
    assert [each.path for each in listed([Path("one")]).skipped] == ["one/b.py", "one/d.py", "one/sub"]
    assert [each.path for each in listed([Path("through"), Path("two")]).skipped] == ["through/d.py"]


def test_a_folder_that_cannot_be_listed_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    make("a.py", "closed/b.py")
    real = os.scandir

    def scandir(path: str) -> object:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    listing = listed([Path()])
    assert listing.names == ("a.py",)
    assert [(each.path, each.reason) for each in listing.skipped] == [("closed", "it cannot be listed: Permission denied")]


def test_a_link_that_may_not_be_followed_leads_nowhere(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make("a.py")
    Path("link.py").symlink_to(here / "closed" / "b.py")
    real = os.stat

    def stat(path: str, **more: bool) -> os.stat_result:
        if str(path).endswith("link.py") and more.get("follow_symlinks", True):
            raise PermissionError(13, "Permission denied")
        return real(path, **more)

    monkeypatch.setattr(os, "stat", stat)
    listing = listed([Path()])
    assert listing.names == ("a.py",)
    assert [(each.path, each.reason) for each in listing.skipped] == [("link.py", "it is a link that leads nowhere")]
    assert names("link.py") == ["link.py"]


def test_folders_are_walked_to_a_limit(here: Path) -> None:
    deep = here
    for _ in range(DEEPEST + 2):
        deep /= "d"
        deep.mkdir()
    (deep / "x.py").touch()
    listing = listed([Path()])
    assert listing.names == ()
    assert [each.reason for each in listing.skipped] == [f"it is more than {DEEPEST} folders deep"]


def test_a_name_with_a_line_break_is_one_name() -> None:
    make("a\n::error::b.py")
    assert names(".") == ["a\n::error::b.py"]
