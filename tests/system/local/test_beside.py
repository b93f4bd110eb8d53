"""Pipes beside a file: those that a library could take for a part of it, and others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tare.system.local.beside import check_beside
from tare.system.local.opened import NotRegularError


@pytest.mark.parametrize("name", ["r.tif.msk", "r.aux", "R.HDR", "r_rpc.txt", "METADATA.DIM"])
def test_a_pipe_that_could_be_taken_for_a_part_of_a_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "r.tif").touch()
    check_beside(str(tmp_path / "r.tif"))
    os.mkfifo(tmp_path / name)
    with pytest.raises(NotRegularError, match=f"'{name}' beside it is not a regular file but a pipe"):
        check_beside(str(tmp_path / "r.tif"))
    (tmp_path / name).rename(tmp_path / "elsewhere")
    check_beside(str(tmp_path / "r.tif"))
    (tmp_path / name).symlink_to("elsewhere")
    with pytest.raises(NotRegularError, match="beside it is"):
        check_beside(str(tmp_path / "r.tif"))


def test_other_pipes_folders_and_links_to_nothing_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("queue", "r10.tif", "ar.aux"):
        os.mkfifo(tmp_path / name)
    (tmp_path / "r.aux").mkdir()
    (tmp_path / "r.hdr").symlink_to("nothing")
    (tmp_path / "r.msk").symlink_to("r.msk")
    check_beside(str(tmp_path / "r.tif"))
    monkeypatch.chdir(tmp_path)
    check_beside("r.tif")
