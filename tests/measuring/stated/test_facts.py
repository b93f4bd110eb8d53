"""What files state: said of all, or refused with an example of each."""

from __future__ import annotations

import numpy as np
import pytest

from tare.errors import DataError
from tare.measuring.one_pass import stats_of
from tare.measuring.stated.facts import with_facts
from tare.samples.raw_kind import Known, Unknown
from tare.samples.records import UNSTATED, Facts, Sample
from tare.sources.arrays.whole import stated_nodata
from tare.sources.opening import open_source
from tare.statistics.dataset_stats import DatasetStats
from tare.statistics.state import DatasetState

SOURCE = open_source(np.zeros((2, 9, 9, 1)))


def measured(*facts: Facts, mixed_spacing: bool = False, of_source: Facts = ()) -> DatasetStats:
    """Statistics of one sample for each of the facts."""
    samples = [Sample(f"{k}.x", np.full((2, 2, 1), k, "uint16"), None, (), each) for k, each in enumerate(facts)]
    state = DatasetState.of(samples)
    return with_facts(stats_of(state, SOURCE), state, of_source, mixed_spacing=mixed_spacing)


def test_facts_that_agree_are_said_of_all() -> None:
    stats = measured(*[(("units", "HU"), ("spacing", "1 mm"), ("nodata", "-1024.0"), ("bits", "12"))] * 2)
    assert stats.units == Known("HU", "0.x")
    assert stats.bits == Known(12, "0.x")
    assert stats.nodata == Known((-1024.0,), "the files, such as 0.x")
    assert stats.extra["remarks"] == ["spacing: 1 mm"]


def test_what_is_not_stated_stays_unknown() -> None:
    stats = measured((("units", UNSTATED), ("nodata", UNSTATED)))
    assert isinstance(stats.units, Unknown)
    assert isinstance(stats.nodata, Unknown)


@pytest.mark.parametrize("name", ["units", "scale", "spacing", "axes", "bits"])
def test_facts_that_differ_are_refused_with_an_example_of_each(name: str) -> None:
    with pytest.raises(DataError, match=rf"samples with one {name}, .*'0.x'.* and .*'1.x'"):
        measured(((name, "a"),), ((name, "b"),))


def test_a_fact_that_some_files_do_not_have_is_refused() -> None:
    with pytest.raises(DataError, match=r"HU in 1 .* and nothing in 1"):
        measured((("units", "HU"),), ())


def test_spacing_and_values_without_meaning_may_differ() -> None:
    stats = measured((("spacing", "1"), ("nodata", "0.0")), (("spacing", "2"), ("nodata", "nan -1.0")), mixed_spacing=True)
    assert stats.nodata == Known((-1.0, 0.0), "the files, such as 0.x")
    assert (
        measured((("sampling rate", "8 kHz"),), (("sampling rate", "16 kHz"),)).extra["facts"]["sampling rate"] == "16 kHz, 8 kHz"
    )


def test_facts_of_the_whole_source_count_for_all() -> None:
    facts: Facts = (("units", "K"), ("nodata", "nan -999.0"))
    assert measured((), (), of_source=facts).units == Known("K", SOURCE.name)
    assert stated_nodata(facts) == (-999.0,)
