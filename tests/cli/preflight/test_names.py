"""The index of names holds what the installed libraries know, and refuses nothing where they differ."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import pytest
import timm
from benchmarks.library_names import names_of_libraries

from tare.cli.preflight import names
from tare.errors import ModelError, SpecError, TareError


def test_the_index_is_that_of_the_installed_libraries() -> None:
    if find_spec("keras") is None:
        pytest.skip("keras is not installed")
    made, kept = names_of_libraries(), names.index()
    for library in made:
        if library in ("schema", "tare") or names.is_current(library):
            assert made[library] == kept[library], "write it again: python -m benchmarks.library_names"


def test_no_name_that_timm_builds_is_refused() -> None:
    for name in (*timm.list_models(), *timm.list_pretrained()):
        names.check_timm(name, ModelError)


@pytest.mark.parametrize("name", ["hf-hub:timm/resnet18.a1_in1k", "local-dir:somewhere", "tv_resnet50"])
def test_names_that_no_list_has_are_left_to_timm(name: str) -> None:
    names.check_timm(name, ModelError)


def test_an_index_of_another_version_refuses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "version", lambda library: names.index()[library]["version"])
    refused: dict[Callable[[], None], type[TareError]] = {
        lambda: names.check_timm("resnet81", ModelError): ModelError,
        lambda: names.check_torchvision("resnet81"): ModelError,
        lambda: names.check_torchvision_spec("resnet81"): SpecError,
        lambda: names.check_keras("VGG17"): SpecError,
    }
    for check, error in refused.items():
        with pytest.raises(error):
            check()
    monkeypatch.setattr(names, "version", lambda _: "99.0")
    for check in refused:
        check()


def test_a_library_that_is_not_installed_has_no_current_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(names.index(), "no-such-library-of-tare", {"version": "1"})
    assert not names.is_current("no-such-library-of-tare")
    monkeypatch.setattr(names, "version", lambda _: f"{names.index()['timm']['version']}+cu130")
    assert names.is_current("timm")
