from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tare.errors import OutputError, SpecError
from tare.exporting import push
from tare.exporting.api import export
from tests.tiny_run import tiny_run

HfApi = pytest.importorskip("huggingface_hub").HfApi
ADDRESS = "https://hub.invalid/me/net/commit/0a1b"


@dataclass(frozen=True, slots=True)
class Commit:
    commit_url: str = ADDRESS


@dataclass
class Hub:
    """A hub in memory: keeps what it is sent, takes no option that the real one lacks; ``down`` is raised by an upload."""

    down: Exception | None = None
    made: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    def create_repo(self, repo_id: str, **options: Any) -> None:
        inspect.signature(HfApi.create_repo).bind(self, repo_id, **options)
        self.made.append({"repo_id": repo_id, **options})

    def upload_folder(self, **options: Any) -> Commit:
        inspect.signature(HfApi.upload_folder).bind(self, **options)
        if self.down is not None:
            raise self.down
        assert [made["repo_id"] for made in self.made] == [options["repo_id"]]
        self.files = {path.name: path.read_bytes() for path in Path(options["folder_path"]).iterdir()}
        return Commit()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    made = Hub()
    monkeypatch.setattr(push, "hub_client", lambda: made)
    return made


@pytest.mark.parametrize("form", ["hf", "timm", "safetensors"])
def test_the_folder_is_uploaded_as_it_lies_there_with_its_card(tmp_path: Path, hub: Hub, form: Any) -> None:
    if form == "hf":
        pytest.importorskip("transformers")
    made = export(tiny_run(tmp_path), form, tmp_path / "out", push="me/net")
    assert made.pushed == made.to_json()["pushed"] == ADDRESS
    assert hub.files == {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert {"README.md", "model.safetensors"} <= set(hub.files)


def test_a_new_repository_is_private_and_one_that_is_there_is_taken(tmp_path: Path, hub: Hub) -> None:
    export(tiny_run(tmp_path), "safetensors", tmp_path / "out", push="me/net")
    assert hub.made == [{"repo_id": "me/net", "repo_type": "model", "private": True, "exist_ok": True}]


def test_nothing_is_sent_unless_it_is_asked_for(tmp_path: Path, hub: Hub) -> None:
    made = export(tiny_run(tmp_path), "safetensors", tmp_path / "out")
    assert (made.pushed, hub.made, hub.files) == (None, [], {})


def test_the_card_loads_the_repository(tmp_path: Path, hub: Hub) -> None:
    pytest.importorskip("transformers")
    export(tiny_run(tmp_path), "hf", tmp_path / "out", push="me/net")
    card = hub.files["README.md"].decode()
    assert re.findall(r'from_pretrained\("(.*?)"\)', card) == ["me/net", "me/net"]


def test_only_the_code_of_the_card_is_changed(tmp_path: Path) -> None:
    text = '# "DIR"\n\n```python\nload("DIR")\n```\n\n0. "DIR"\n'
    (tmp_path / "README.md").write_text(text)
    push.name_repository(tmp_path, "me/net")
    assert (tmp_path / "README.md").read_text() == '# "DIR"\n\n```python\nload("me/net")\n```\n\n0. "DIR"\n'


@pytest.mark.parametrize("error", [OSError("401 Unauthorized:\n  log in"), ValueError("too large")])
def test_a_hub_that_refuses_is_one_line_and_the_export_stays(tmp_path: Path, hub: Hub, error: Exception) -> None:
    hub.down = error
    with pytest.raises(OutputError) as raised:
        export(tiny_run(tmp_path), "safetensors", tmp_path / "out", push="me/net")
    line = str(raised.value)
    assert "an upload to 'me/net' on the hub, found " + " ".join(str(error).split()) in line
    assert line.endswith(f"then run: hf upload me/net {tmp_path / 'out'}")
    assert "\n" not in line
    assert (tmp_path / "out" / "model.safetensors").is_file()


@pytest.mark.parametrize("name", ["me/no/net", "", "-net", "me/net.git", "https://hub.invalid/me/net", "../net", "me/\x1b[31m"])
def test_a_name_that_no_repository_has_is_refused_before_the_work(tmp_path: Path, hub: Hub, name: str) -> None:
    with pytest.raises(SpecError, match="a repository OWNER/NAME for --push"):
        export(tiny_run(tmp_path), "safetensors", tmp_path / "out", push=name)
    assert hub.made == []
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("form", "name"), [("pt2", "net.pt2"), ("safetensors", "net.safetensors")])
def test_a_file_is_not_pushed(tmp_path: Path, hub: Hub, form: Any, name: str) -> None:
    with pytest.raises(SpecError, match=f"--push with a folder of hf, timm or safetensors, found it with a file of '{form}'"):
        export(tiny_run(tmp_path), form, tmp_path / name, push="me/net")
    assert hub.made == []
    assert not (tmp_path / name).exists()


def test_offline_mode_of_the_hub_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(push, "hub_client", lambda: HfApi(endpoint="http://127.0.0.1:9", token=False))
    with pytest.raises(OutputError, match=r"an upload to 'me/net' on the hub, found .*offline"):
        push.pushed(tmp_path, "me/net")
