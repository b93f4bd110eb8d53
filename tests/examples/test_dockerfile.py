"""The Dockerfile of the example service, read and not built: building it needs a registry of images."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
_WORDS = ("FROM", "COPY", "RUN", "USER", "ENV", "CMD")


def _instructions() -> list[tuple[str, str]]:
    text = (ROOT / "examples" / "service" / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in re.sub(r"\\\n", " ", text).splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def _all(word: str) -> list[str]:
    return [rest for each, rest in _instructions() if each == word]


def _installed() -> list[str]:
    (command,) = (line for line in _all("RUN") if "pip install" in line)
    return shlex.split(command)[2:]


def test_every_instruction_is_one_that_is_checked_here() -> None:
    assert [word for word, _ in _instructions() if word not in _WORDS] == []
    assert _instructions()[0][0] == "FROM"


def test_what_it_copies_is_in_the_repository_and_where_it_is_used() -> None:
    copied: dict[str, Path] = {}
    for line in _all("COPY"):
        *sources, target = line.split()
        for source in sources:
            assert (ROOT / source).exists(), source
            copied[(target.rstrip("/") + "/" + Path(source).name) if target.endswith("/") else target] = ROOT / source
    assert copied["/service/app.py"] == ROOT / "examples" / "service" / "app.py"
    assert copied["/tare/src"] == ROOT / "src"
    assert {"/tare/pyproject.toml", "/tare/README.md", "/tare/LICENSE", "/tare/constraints.txt"} <= set(copied)


def test_versions_are_the_pinned_ones_and_the_extras_exist() -> None:
    words = _installed()
    assert words[words.index("--constraint") + 1] == "/tare/constraints.txt"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (package,) = (word for word in words if word.startswith("/tare["))
    extras = package.removeprefix("/tare[").removesuffix("]").split(",")
    assert set(extras) <= set(project["optional-dependencies"])
    wanted = [re.split(r"[<>=!~ ]", each)[0] for extra in extras for each in project["optional-dependencies"][extra]]
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().splitlines()}
    plain = words[words.index(package) + 1 :]
    assert plain == ["fastapi", "uvicorn"]
    assert {name.lower().replace("_", "-") for name in (*wanted, *plain)} <= pinned


def test_the_python_of_the_image_is_one_that_tare_supports() -> None:
    (image,) = _all("FROM")
    version = re.fullmatch(r"python:(\d+\.\d+)-slim", image)
    assert version is not None
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["classifiers"]
    assert f"Programming Language :: Python :: {version[1]}" in classifiers


def test_it_runs_the_command_that_the_test_of_the_service_runs_and_states_what_the_program_reads() -> None:
    (command,) = (json.loads(line) for line in _all("CMD"))
    assert [command[0], command[1], command[3]] == ["uvicorn", "--app-dir", "app:app"]
    assert command[2] == "/service"
    tested = Path(__file__).with_name("test_service.py").read_text(encoding="utf-8")
    assert '"-m", "uvicorn", "--app-dir", "examples/service", "app:app"' in tested
    program = (ROOT / "examples" / "service" / "app.py").read_text(encoding="utf-8")
    stated = dict(word.split("=", 1) for line in _all("ENV") for word in line.split())
    assert set(stated) == set(re.findall(r'os\.environ\["(\w+)"\]', program))


def test_it_does_not_run_as_root_and_its_user_may_write_the_state() -> None:
    words = [word for word, _ in _instructions()]
    (user,) = _all("USER")
    assert user != "root"
    assert user.isdigit() is False or int(user) > 0
    (made,) = (line for line in _all("RUN") if "useradd" in line)
    assert f"--uid {user} service" in made
    assert "chown service /state" in made
    assert words.index("USER") < words.index("CMD")
    stated = dict(word.split("=", 1) for line in _all("ENV") for word in line.split())
    assert stated["STATE"].startswith("/state/")
