from __future__ import annotations

from pathlib import Path

import pytest

from tare.errors import DataError, OutputError
from tare.monitoring.monitor import Monitor
from tare.monitoring.reference import Reference
from tare.monitoring.seasons import Seasons
from tests.monitoring.made import changed, photographs


@pytest.fixture(scope="module")
def references() -> dict[str, Reference]:
    """Days, and nights that are half as bright."""
    day, night = photographs(500, 0), changed(photographs(500, 1), 0.5)
    return {"day": Reference.of(day, workers=1), "night": Reference.of(night, workers=1)}


def test_each_season_is_compared_with_its_own(references: dict[str, Reference]) -> None:
    seasons, whole = Seasons(references), Monitor(references["day"])
    for place in range(40):
        images = photographs(8, 100 + place)
        night = place % 2 == 1
        batch = changed(images, 0.5) if night else images
        assert not seasons.update(batch, "night" if night else "day")
        whole.update(batch)
    assert whole.alarm
    assert all(verdict.clean for verdict in seasons.verdicts().values())


def test_a_change_of_one_season_is_told_there(references: dict[str, Reference]) -> None:
    seasons = Seasons(references)
    for place in range(40):
        seasons.update(photographs(8, 200 + place), "day")
        seasons.update(photographs(8, 300 + place), "night")  # the nights are as bright as days
    found = seasons.verdicts()
    assert seasons.alarm
    assert found["day"].clean
    assert not found["night"].clean


def test_the_level_is_shared(references: dict[str, Reference]) -> None:
    seasons = Seasons(references, alpha=0.04)
    assert [verdict.alpha for verdict in seasons.verdicts().values()] == [0.02, 0.02]


def test_a_season_that_the_reference_does_not_have_is_refused(references: dict[str, Reference]) -> None:
    with pytest.raises(DataError, match="expected a season of the reference: day, night, found 'dusk'"):
        Seasons(references).update(photographs(8, 1), "dusk")
    with pytest.raises(DataError, match="the reference of at least one season"):
        Seasons({})
    for name in ("../day", 8):
        with pytest.raises(DataError, match=r"names of seasons .* name it like '08'"):
            Seasons({name: references["day"]})  # type: ignore[dict-item]


def test_files_are_kept_and_a_second_writer_is_refused(references: dict[str, Reference], tmp_path: Path) -> None:
    with Seasons.open(tmp_path / "s", references) as seasons:
        seasons.update(photographs(8, 1), "day")
        with pytest.raises(OutputError, match="one process at a time"):
            Seasons.open(tmp_path / "s", references)
    with Seasons.open(tmp_path / "s", references) as again:
        assert again.monitor("day").state.samples == 8
        assert again.monitor("night").state.samples == 0


def test_closing_writes_all_that_can_be_written_and_may_be_repeated(references: dict[str, Reference], tmp_path: Path) -> None:
    seasons = Seasons.open(tmp_path / "s", references)
    for season in references:
        seasons.update(photographs(8, 1), season)
    (tmp_path / "s" / "day.json").unlink()
    (tmp_path / "s" / "day.json").mkdir()  # no file can be written there
    with pytest.raises(OutputError):
        seasons.close()
    assert (tmp_path / "s" / "night.json").is_file()
    (tmp_path / "s" / "day.json").rmdir()
    seasons.close()
    with Seasons.open(tmp_path / "s", references) as again:
        assert {again.monitor(season).state.samples for season in references} == {8}
