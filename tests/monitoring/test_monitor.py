from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from tare.errors import DataError, OutputError, SpecError, TareWarning
from tare.monitoring.api import drift
from tare.monitoring.batches import blocks_of
from tare.monitoring.monitor import Monitor, merged
from tare.monitoring.reference import Reference, digest_of, packed
from tare.sources.options import Options
from tests.forks import forked, held_elsewhere
from tests.monitoring.made import changed, photographs, reference


@pytest.fixture(scope="module")
def known() -> Reference:
    return reference()


def fed(monitor: Monitor, images: Any, size: int = 8) -> int:
    """The number of batches until the alarm, 0 if there is none."""
    for start in range(0, len(images), size):
        if monitor.update(images[start : start + size]):
            return start // size + 1
    return 0


def test_the_same_population_raises_no_alarm(known: Reference) -> None:
    monitor = Monitor(known)
    assert fed(monitor, photographs(4000, 1)) == 0
    verdict = monitor.verdict()
    assert verdict.clean
    assert verdict.samples == 4000
    assert verdict.batches == 500
    assert "No change shown in 4000 samples" in str(verdict)
    assert all(track.live.low <= track.reference <= track.live.high for track in verdict.tracks)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("gain", lambda images: changed(images, gain=0.8)),
        ("offset", lambda images: changed(images, offset=0.1)),
        ("inversion", lambda images: 255 - images),
        ("channel order", lambda images: images[..., ::-1]),
        ("dead channel", lambda images: images * np.array([1, 0, 1], np.uint8)),
    ],
)
def test_a_change_is_named_and_dated(known: Reference, kind: str, change: Any) -> None:
    monitor = Monitor(known)
    assert fed(monitor, photographs(800, 2)) == 0
    for seed in range(350):
        monitor.update(change(photographs(8, 100 + seed)))
    verdict = monitor.verdict()
    assert verdict.kind == kind, verdict.reason
    assert verdict.since is not None
    assert verdict.since.low <= 101 <= verdict.since.high <= 104
    assert not verdict.clean
    assert verdict.cure


def test_an_order_of_three_channels_is_named_as_it_arrives(known: Reference) -> None:
    monitor = Monitor(known)
    for seed in range(150):
        monitor.update(photographs(8, 100 + seed)[..., [1, 2, 0]])
    verdict = monitor.verdict()
    assert verdict.reason == "green, blue, red explain the values without any map"
    assert verdict.cure == ("Put the channels back in the order red, green, blue: they arrive as green, blue, red.",)
    assert verdict.order == (2, 0, 1)  # the place at which each channel arrives, which puts them back


def test_the_constants_that_undo_a_gain_are_inside_their_intervals(known: Reference) -> None:
    monitor = Monitor(known)
    for start in range(300):
        monitor.update(changed(photographs(8, 1000 + start), gain=0.8))
    found = monitor.verdict().maps
    assert [each.channel for each in found] == ["red", "green", "blue"]
    assert all(each.gain.low <= 0.8 <= each.gain.high and abs(each.gain.estimate - 0.8) < 0.02 for each in found)


def test_tensors_arrays_and_images_are_the_same_samples(known: Reference) -> None:
    images = photographs(16, 5)
    ways: list[Any] = [
        images,
        torch.from_numpy(images.transpose(0, 3, 1, 2).copy()),
        [Image.fromarray(each) for each in images],
        list(images),
        [torch.from_numpy(each.transpose(2, 0, 1).copy()) for each in images],
    ]
    states = []
    for way in ways:
        monitor = Monitor(known)
        monitor.update(way)
        states.append(monitor.state.ladder[0].counts)
    assert all((state == states[0]).all() for state in states)


def test_values_as_fed_are_the_raw_values_again(known: Reference) -> None:
    from dataclasses import replace

    images, mean, std = photographs(16, 6), np.array([0.4, 0.5, 0.6]), np.array([0.2, 0.3, 0.25])
    stated = replace(known, as_fed={"mean": tuple(mean), "std": tuple(std)})
    raw, as_fed, unit = (Monitor(stated) for _ in range(3))
    raw.update(images)
    as_fed.update(((images / 255 - mean) / std).astype(np.float32), values="fed")
    unit.update((images / 255).astype(np.float32), values="unit")
    for other in (as_fed, unit):
        assert (other.state.ladder[0].counts == raw.state.ladder[0].counts).all()
        assert other.state.ladder[0].data == raw.state.ladder[0].data


@pytest.mark.parametrize(
    ("batch", "expected"),
    [
        (np.zeros((4, 8, 8, 2), np.uint8), "3 channels along the second or the last"),
        (np.zeros((4, 8, 8, 3), np.uint16), "raw values of uint8"),
        (np.zeros((4, 8, 8, 3), np.float32), "with values='unit' or 'fed'"),
        (np.array(["a"]), "a batch of numbers"),
        (np.zeros((8, 8), np.uint8), "pass one sample as a list of one"),
        (np.zeros((8, 8, 3), np.uint8), r"4 axes, samples first, found one of shape \(8, 8, 3\)"),
        (np.zeros((3, 8, 8), np.float32), r"4 axes, samples first, found one of shape \(3, 8, 8\)"),
        *(([Image.new(mode, (8, 8))], f"in grey or RGB, found one of mode '{mode}'") for mode in ("P", "YCbCr", "HSV", "LAB")),
    ],
)
def test_other_kinds_of_samples_are_refused(known: Reference, batch: Any, expected: str) -> None:
    monitor = Monitor(known)
    with pytest.raises(DataError, match=expected):
        monitor.update(batch)
    assert monitor.state.batches == 0


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1)])
def test_one_grey_picture_is_no_batch_of_its_rows(shape: tuple[int, ...]) -> None:
    monitor = Monitor(Reference.of(photographs(40, seed=1)[..., 0]))
    with pytest.raises(DataError, match="samples first, found one of shape"):
        monitor.update(np.zeros(shape, np.uint8))
    monitor.update([np.zeros(shape, np.uint8)])
    assert monitor.state.samples == 1


@pytest.mark.parametrize(
    ("samples", "one"),
    [
        (np.random.default_rng(0).normal(size=(40, 1, 60)).astype(np.float32), (60,)),
        (np.random.default_rng(0).integers(0, 60000, (40, 9, 8, 1)).astype(np.uint16), (9, 8)),
        (np.random.default_rng(0).normal(size=(40, 4, 60)).astype(np.float32), (4, 60)),
    ],
)
def test_one_sample_of_any_kind_is_no_batch_of_its_steps(samples: NDArray[Any], one: tuple[int, ...]) -> None:
    monitor = Monitor(Reference.of(samples, workers=1))
    with pytest.raises(DataError, match="pass one sample as a list of one"):
        monitor.update(samples[0].reshape(one))
    monitor.update([samples[0].reshape(one)])
    monitor.update(samples[1:3])
    assert monitor.state.samples == 3


def test_colours_are_no_grey_values() -> None:
    monitor = Monitor(Reference.of(photographs(40, seed=1)[..., 0]))
    colours = photographs(4, seed=2)
    for batch in (colours, np.moveaxis(colours, 3, 1), [*colours], [Image.fromarray(each) for each in colours]):
        with pytest.raises(DataError, match="samples of the reference's one channel, found an array of shape"):
            monitor.update(batch)
    for batch in (colours[..., 0], colours[..., :1], colours[:, None, ..., 0], [Image.fromarray(colours[0, ..., 0])]):
        monitor.update(batch)
    assert monitor.state.samples == 13


def test_pictures_of_one_bit_count_as_the_files_they_were_decoded_from() -> None:
    images = [Image.fromarray(each[..., 0]).convert("1") for each in photographs(40, seed=1)]
    decoded = np.stack([np.asarray(each.convert("L")) for each in images])
    monitors = [Monitor(Reference.of(decoded, workers=1)) for _ in range(2)]
    monitors[0].update(images)
    monitors[1].update(decoded)
    assert monitors[0].state.samples == monitors[1].state.samples == 40
    assert monitors[0].verdict() == monitors[1].verdict()
    with pytest.raises(DataError, match="one of mode 'CMYK'"):
        monitors[0].update([Image.fromarray(photographs(1, seed=1)[0]).convert("CMYK")])


def test_values_as_fed_need_constants(known: Reference) -> None:
    with pytest.raises(DataError, match="states mean and std"):
        Monitor(known, values="fed").update(np.zeros((4, 8, 8, 3), np.float32))


@pytest.mark.parametrize("values", ["RAW", "stored", ""])
def test_values_of_no_kind_are_refused_with_every_batch(known: Reference, values: Any) -> None:
    monitor = Monitor(known)
    with pytest.raises(SpecError, match=f"values that are raw, unit or fed, found '{values}'; name one of them"):
        monitor.update(photographs(8, 1), values=values)
    assert monitor.state.batches == 0


def test_a_batch_is_not_held_against_another_part_of_the_reference(known: Reference) -> None:
    constants = {"mean": (0.5,) * 3, "std": (0.25,) * 3}
    both = replace(known, as_fed=constants, seen=replace(known, as_fed=constants))
    words = r"found 'fed' in a monitor of 'raw' values; pass tare.Monitor\(reference, values='fed'\)"
    cases: list[tuple[Any, Any, str]] = [("raw", "fed", words), ("unit", "fed", "of 'unit'"), ("fed", "raw", "found 'raw'")]
    for values, other, expected in cases:
        with pytest.raises(SpecError, match=expected):
            Monitor(both, values=values).update(photographs(8, 1), values=other)
    Monitor(both).update(photographs(8, 1) / 255, values="unit")
    Monitor(replace(both, seen=None)).update(photographs(8, 1) / 255, values="fed")  # tested against the images as stored


def test_empty_batches_count_as_none_and_sizes_may_change(known: Reference) -> None:
    monitor = Monitor(known)
    monitor.update(np.zeros((0, 8, 8, 3), np.uint8))
    monitor.update([])
    assert monitor.state.batches == 0
    for size in (1, 7, 32):
        monitor.update(photographs(size, size))
    assert (monitor.state.batches, monitor.state.samples) == (3, 40)


def test_nothing_but_missing_values_is_no_data() -> None:
    chance = np.random.default_rng(0)
    monitor = Monitor(Reference.of(chance.normal(size=(500, 2)), workers=1))
    raised = [monitor.update(np.full((8, 2), np.nan)) for _ in range(5)]
    assert raised[-1]
    assert monitor.verdict().kind == "no data"


def test_threads_lose_no_batch(known: Reference) -> None:
    monitor, images = Monitor(known), photographs(320, 7)
    parts = [images[start : start + 8] for start in range(0, 320, 8)]
    threads = [threading.Thread(target=lambda own=parts[k::4]: [monitor.update(each) for each in own]) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = Monitor(known)
    for part in parts:
        alone.update(part)
    assert monitor.state.samples == 320
    assert monitor.state.batches == 40
    total, other = (np.sum([stretch.counts for stretch in each.state.ladder], axis=0) for each in (monitor, alone))
    assert (total == other).all()


def test_a_file_goes_on_where_it_stopped(known: Reference, tmp_path: Path) -> None:
    whole = Monitor(known)
    for part in range(2):
        with Monitor.open(tmp_path / "m.json", known) as monitor:
            for seed in range(20):
                monitor.update(photographs(8, 100 * part + seed))
                whole.update(photographs(8, 100 * part + seed))
    again = Monitor.load(tmp_path / "m.json")
    assert [each.length for each in again.state.ladder] == [each.length for each in whole.state.ladder]
    for mine, theirs in zip(again.state.ladder, whole.state.ladder, strict=True):
        assert (mine.counts == theirs.counts).all()
        assert mine.data == theirs.data
    assert again.verdict().evidence == pytest.approx(whole.verdict().evidence)


def test_a_second_writer_is_refused(known: Reference, tmp_path: Path) -> None:
    with (
        Monitor.open(tmp_path / "m.json", known),
        pytest.raises(OutputError, match="another process that is writing"),
    ):
        Monitor.open(tmp_path / "m.json", known)
    Monitor.open(tmp_path / "m.json", known).close()


def test_the_file_stays_the_same_where_the_process_changes_its_directory(
    known: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "m.json").write_text("another's")
    monkeypatch.chdir(tmp_path)
    monitor = Monitor.open("m.json", known, every=1)
    (elsewhere / "link.json").symlink_to(tmp_path / "m.json")
    monkeypatch.chdir(elsewhere)
    monitor.update(photographs(4, seed=1))
    monitor.save("link.json")
    monitor.close()
    assert (elsewhere / "m.json").read_text() == "another's"
    assert Monitor.load(tmp_path / "m.json").state.samples == 4


def test_a_file_that_cannot_be_written_stops_no_service(known: Reference, tmp_path: Path) -> None:
    folder = tmp_path / "monitors"
    folder.mkdir()
    monitor = Monitor.open(folder / "m.json", known, every=2)
    shutil.rmtree(folder)
    folder.write_text("no folder")
    monitor.update(photographs(4, seed=1))
    with pytest.warns(TareWarning, match=r"goes on counting and tries again every 2 batches: .*m\.json"):
        monitor.update(photographs(4, seed=2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(3, 6):
            monitor.update(photographs(4, seed=seed))
    assert (monitor.unsaved, monitor.state.batches) == (5, 5)
    monitor.save(tmp_path / "elsewhere.json")
    assert monitor.unsaved == 5
    with pytest.raises(OutputError):
        monitor.close()
    folder.unlink()
    folder.mkdir()
    monitor.update(photographs(4, seed=6))
    assert monitor.unsaved == 0
    monitor.close()
    assert Monitor.load(folder / "m.json").state.samples == 24


def test_a_long_memory_blinds_no_monitor(known: Reference) -> None:
    monitor = Monitor(known, memory=20_000)
    monitor.update(photographs(64, seed=1))
    assert int(monitor.state.ladder[0].counts.sum(axis=1).max()) / monitor.state.unit == pytest.approx(1 / 20_001)


def test_a_forked_process_leaves_the_file_and_its_lock_to_the_one_that_opened_it(known: Reference, tmp_path: Path) -> None:
    monitor = Monitor.open(tmp_path / "m.json", known, every=1)
    monitor.update(photographs(4, seed=1))
    child = os.fork()
    if not child:
        code = 1
        with contextlib.suppress(BaseException):
            with pytest.raises(OutputError, match="a monitor that this process opened"):
                monitor.update(photographs(4, seed=2))
            with pytest.raises(OutputError, match="a monitor that this process opened"):
                monitor.save(tmp_path / "m.json")
            monitor.close()
            code = 0
        os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    with pytest.raises(OutputError, match="another process that is writing"):
        Monitor.open(tmp_path / "m.json", known)
    monitor.close()
    assert Monitor.load(tmp_path / "m.json").state.samples == 4


def counted(monitor: Monitor, place: Path, seed: int) -> None:
    monitor.update(photographs(4, seed=seed))
    monitor.save(place)


def test_monitors_of_forked_workers_are_merged_as_those_of_others(known: Reference, tmp_path: Path) -> None:
    """As gunicorn's preloaded workers are: the monitor was made before they were forked."""
    monitor = Monitor(known)
    places = [tmp_path / f"{seed}.json" for seed in range(3)]
    for seed, place in enumerate(places):
        forked(partial(counted, monitor, place, seed))
    monitor.update(photographs(4, seed=7))
    both = merged(places)
    both.merge(monitor)
    assert both.state.samples == 16
    with pytest.raises(DataError, match="its samples would count twice"):
        both.merge(Monitor.load(places[0]))


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_process_that_is_forked_while_another_thread_counts_counts_on(known: Reference) -> None:
    monitor = Monitor(known)

    def within_a_minute() -> None:
        signal.alarm(60)
        monitor.update(photographs(4, seed=1))
        assert monitor.state.samples == 4

    with held_elsewhere(monitor._lock):
        forked(within_a_minute)


def test_of_a_monitor_that_was_forked_while_it_counted_nothing_counts_twice(known: Reference, tmp_path: Path) -> None:
    monitor = Monitor(known)
    monitor.update(photographs(4, seed=9))
    forked(partial(counted, monitor, tmp_path / "m.json", 1))
    with pytest.raises(DataError, match=r"would count twice; merge the latest state of each monitor, once.* make one in each"):
        monitor.merge(Monitor.load(tmp_path / "m.json"))


def test_another_reference_or_option_is_refused(known: Reference, tmp_path: Path) -> None:
    with Monitor.open(tmp_path / "m.json", known):
        pass
    with pytest.raises(DataError, match="another reference"):
        Monitor.open(tmp_path / "m.json", reference(300, 9))
    with pytest.raises(DataError, match="another alpha"):
        Monitor.open(tmp_path / "m.json", alpha=0.01)
    Monitor.open(tmp_path / "m.json").close()


@pytest.mark.parametrize("damage", ["", "{", '{"schema": "other/1"}', "[]", "counts", "ladder", "reference"])
def test_a_damaged_file_is_refused_and_left(known: Reference, tmp_path: Path, damage: str) -> None:
    place = tmp_path / "m.json"
    monitor = Monitor(known)
    monitor.update(photographs(8, 0))
    monitor.save(place)
    text = damage
    if damage in ("counts", "ladder", "reference"):
        document = json.loads(place.read_text())
        if damage == "counts":
            document["state"]["ladder"][0]["counts"] = "AAAA"
        elif damage == "ladder":
            document["state"]["ladder"][0]["length"] = 3
        else:
            del document["reference"]
        text = json.dumps(document)
    place.write_text(text)
    with pytest.raises(DataError):
        Monitor.open(place)
    assert place.read_text() == text


_SERVICE = """
import sys
from tare.monitoring.monitor import Monitor
from tests.monitoring.made import photographs
monitor = Monitor.open(sys.argv[1], sys.argv[2], every=5)
batch = 0
while True:
    monitor.update(photographs(4, batch))
    batch += 1
    print(batch, flush=True)
"""


def test_a_killed_service_loses_no_more_than_it_says(known: Reference, tmp_path: Path) -> None:
    known.save(tmp_path / "reference.json")
    place, root = tmp_path / "m.json", Path(__file__).parents[2]
    counted = 0
    for _ in range(2):
        command = [sys.executable, "-c", _SERVICE, str(place), str(tmp_path / "reference.json")]
        path = os.pathsep.join([str(root / "src"), str(root)])
        environment = {**os.environ, "PYTHONPATH": path}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as service:  # noqa: S603 - our own
            assert service.stdout is not None
            told = 0
            while told < 23:
                told = int(service.stdout.readline())
            service.send_signal(signal.SIGKILL)
            told = max([told, *map(int, service.stdout.read().split())])
        kept = Monitor.load(place).state.batches
        assert counted + told - 5 <= kept <= counted + told + 1
        counted = kept


def test_scaled_batches_with_gaps_count_as_missing_values_and_are_no_error() -> None:
    monitor, images = Monitor(reference(300), values="unit"), photographs(160, 3)
    unit = images / 255
    for start in range(0, 80, 8):
        monitor.update(unit[start : start + 8])
    assert not monitor.alarm
    holes = np.where(np.random.default_rng(0).random(unit.shape) < 0.2, np.nan, unit)
    for start in range(80, 160, 8):
        monitor.update(holes[start : start + 8])
    assert monitor.verdict().kind == "no data"
    served = monitor.served()
    assert served is not None
    assert served.mean == pytest.approx(tuple(np.nanmean(unit[:80], axis=(0, 1, 2))), abs=0.03)


def test_a_batch_of_nothing_but_nan_is_no_data() -> None:
    monitor = Monitor(reference(300), values="unit")
    for _ in range(6):
        monitor.update(np.full((8, 12, 12, 3), np.nan))
    assert monitor.verdict().kind == "no data"


def test_options_that_no_monitor_has_are_a_damaged_file(tmp_path: Path) -> None:
    monitor = Monitor(reference(100))
    document = monitor.to_json()
    (tmp_path / "m.json").write_text(json.dumps({**document, "options": {**document["options"], "alpha": 7}}))
    with pytest.raises(DataError, match=r"expected a whole monitor file, found SpecError: .*m\.json"):
        Monitor.load(tmp_path / "m.json")


@pytest.mark.parametrize(
    ("part", "changed_to"),
    [
        ("identities", []),
        ("identities", "abc"),
        ("reference", "another"),
        ("memory", 7),
        ("peak", float("nan")),
        ("alarm", -4),
        ("alarm", 10**9),
        ("alarm", 1),
        ("began", [1, 1, 1]),
        ("samples", 10**30),
        ("samples", 8.0),
        ("length", True),
        ("memory", True),
        ("memory", 1.5),
        ("peak", "1"),
        ("peak", True),
        ("began", [0, 0, False]),
        ("identities", [3]),
        ("counts", -1),
        ("counts", 1 << 62),
        ("data", []),
    ],
)
def test_a_state_that_no_monitor_has_is_a_damaged_file(tmp_path: Path, part: str, changed_to: Any) -> None:
    monitor = Monitor(reference(100))
    monitor.update(photographs(8, 0))
    document = monitor.to_json()
    state = document["state"]
    if part == "counts":
        changed_to = packed(np.full((len(monitor.reference.figures), 64), changed_to))
    (state["ladder"][0] if part in state["ladder"][0] else state)[part] = changed_to
    (tmp_path / "m.json").write_text(json.dumps(document))
    with pytest.raises(DataError, match=r"whole monitor file, found .* in '.*m\.json'; remove it to begin again"):
        Monitor.load(tmp_path / "m.json")


@pytest.mark.parametrize("number", [[], ["0x5087b", 10**9], ["0x1", -(10**9)], ["0x" + "f" * 10**6, 0], 3])
def test_a_sum_that_no_values_have_is_a_damaged_file_at_once(tmp_path: Path, number: Any) -> None:
    monitor = Monitor(reference(100))
    monitor.update(photographs(8, 0))
    for name in ("cross_nn", "total"):
        document = json.loads(json.dumps(monitor.to_json()))
        document["state"]["ladder"][0]["data"]["groups"][0]["channels"][0]["moments"][name] = number
        (tmp_path / "m.json").write_text(json.dumps(document))
        began = time.perf_counter()
        with pytest.raises(DataError, match=r"whole monitor file, found .* in '.*m\.json'; remove it to begin again"):
            Monitor.load(tmp_path / "m.json")
        assert time.perf_counter() - began < 5


def test_a_file_of_a_version_that_named_its_reference_otherwise_goes_on(tmp_path: Path) -> None:
    monitor = Monitor(reference(100))
    monitor.update(photographs(8, 0))
    document = json.loads(json.dumps(monitor.to_json()))
    document["reference"]["version"] = "0.0.9"
    document["state"]["reference"] = digest_of(document["reference"])
    (tmp_path / "m.json").write_text(json.dumps(document))
    old = Monitor.load(tmp_path / "m.json")
    assert old.reference.digest == monitor.reference.digest
    fresh = Monitor(reference(100))
    fresh.update(photographs(8, 1))
    old.merge(fresh)
    assert old.state.samples == 16


def test_only_monitors_with_equal_options_are_merged(known: Reference) -> None:
    with pytest.raises(DataError, match=r"alpha=0.05 and 0.01"):
        Monitor(known).merge(Monitor(known, alpha=0.01))
    with pytest.raises(DataError, match="another monitor, or its state"):
        Monitor(known).merge(3)  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="raw, unit or fed"):
        Monitor(known, values="row")  # type: ignore[arg-type]


def test_a_buffer_that_its_owner_fills_again_is_counted_as_it_was(known: Reference) -> None:
    buffer = np.empty_like(photographs(8, 0))
    reused, kept = Monitor(known), Monitor(known)
    for seed in range(6):
        buffer[:] = photographs(8, seed)
        reused.update(buffer)
        kept.update(photographs(8, seed))
    assert reused.served() == kept.served()
    assert reused.evidence() == kept.evidence()


@pytest.mark.parametrize("schema", [[], {}, None, 1, "tare.monitor/3"])
def test_a_file_of_another_schema_is_refused(known: Reference, tmp_path: Path, schema: Any) -> None:
    Monitor(known).save(tmp_path / "m.json")
    document = json.loads((tmp_path / "m.json").read_text())
    (tmp_path / "m.json").write_text(json.dumps({**document, "schema": schema}))
    with pytest.raises(DataError, match=r"a JSON object with schema 'tare.monitor/2'"):
        Monitor.load(tmp_path / "m.json")


def test_batches_of_several_floating_types_are_served_as_one() -> None:
    draws = np.random.default_rng(0)
    monitor = Monitor(Reference.of(draws.normal(0.5, 0.1, (60, 8, 8, 1)).astype(np.float32)))
    batches = draws.normal(0.5, 0.1, (12, 4, 8, 8, 1)).astype(np.float16)
    for place, batch in enumerate(batches):
        monitor.update(batch.astype((np.float16, np.float32, np.float64)[place % 3]))
    served = monitor.served()
    assert served is not None
    assert served.samples == 48
    np.testing.assert_allclose(
        [served.channels[0].mean, served.channels[0].std], [f(batches.astype(float)) for f in (np.mean, np.std)]
    )


def test_gaps_in_some_of_the_scaled_batches_count_with_the_others(tmp_path: Path) -> None:
    known, images = reference(300), photographs(240, 3) / 255
    monitor = Monitor(known, values="unit")
    for start in range(0, 240, 8):
        batch = images[start : start + 8].copy()
        if start % 24 == 0:
            batch[:, :6] = np.nan  # half of each of these images
        monitor.update(batch)
    verdict, served = monitor.verdict(), monitor.served()
    assert verdict.kind == "no data"
    assert "from 0.0% to 16.7%" in verdict.reason
    assert served is not None
    assert served.samples == 240
    assert served.dtype == "uint8"
    assert Monitor.load(saved(monitor, tmp_path / "m.json")).served() == served


def saved(monitor: Monitor, place: Path) -> Path:
    monitor.save(place)
    return place


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_another_share_of_missing_values_is_no_data_whichever_way_it_moved(share: float) -> None:
    chance = np.random.default_rng(0)

    def rows(number: int, missing: float) -> np.ndarray[Any, Any]:
        values = chance.normal(size=(number, 2))
        values[chance.random(number) < missing, 0] = np.nan
        return values

    monitor = Monitor(Reference.of(rows(3000, 0.3)))
    fed(monitor, rows(6000, share), 50)
    verdict = monitor.verdict()
    assert verdict.kind == "no data"
    assert f"the share of missing values {'rose' if share else 'fell'}: c0 from" in verdict.reason


@pytest.mark.parametrize("kind", ["float64", "uint8"])
def test_values_that_mean_no_data_are_no_values_of_the_reference(kind: str) -> None:
    chance = np.random.default_rng(0)
    images = chance.integers(100, 200, (60, 8, 8, 1)).astype(kind)
    images[:, :2] = 0
    known = Reference.of(images, nodata=0)
    if kind == "uint8":  # of which 12 bits are in use
        deep = np.where(images, images.astype(np.uint16) * 16, 65535)
        assert Reference.of(deep, nodata=65535).taking.high == (4095.0,)
    assert known.stats.mean[0] == pytest.approx((images[:, 2:] / (255 if kind == "uint8" else 1)).mean())
    assert known.stats.channels[0].nan == 60 * 16
    again = Reference.from_json(json.loads(json.dumps(known.to_json())))
    assert again.stats == known.stats
    assert {again} == {replace(known, origin="run")}
    assert known != replace(known, samples=known.samples + 1)
    assert known != known.digest


@pytest.mark.parametrize("values", ["mean", "elsewhere", "narrower"])
def test_a_column_that_moves_less_is_a_change(values: str) -> None:
    chance = np.random.default_rng(0)
    train, later = chance.normal(size=(2000, 2)), chance.normal(size=(2000, 2))
    later[:, 0] = 0.3 * later[:, 0] if values == "narrower" else train[:, 0].mean() + (values == "elsewhere") * 0.1
    monitor = Monitor(Reference.of(train))
    assert 0 < fed(monitor, later) <= 20
    monitor.update(later)
    assert monitor.verdict().kind == ("gain" if values == "narrower" else "dead channel")


def test_a_column_far_from_zero_is_told_as_well_as_one_about_it() -> None:
    chance = np.random.default_rng(0)
    train, later = 100 * chance.normal(size=(2000, 1)), 100 * chance.normal(size=(400, 1)) + 40
    evidence = []
    for offset in (0, 2.0**31):
        monitor = Monitor(Reference.of(train + offset))
        fed(monitor, later + offset)
        evidence.append(monitor.evidence())
    assert evidence[1] == pytest.approx(evidence[0], rel=0.1)


def test_the_order_of_merging_makes_no_alarm(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    known = Reference.of(chance.normal(size=(2000, 3)))
    places: list[Path] = []
    for shift in (0, 0, 0.18, 0.18):
        monitor = Monitor(known)
        assert fed(monitor, chance.normal(size=(480, 3)) + shift) == 0
        places.append(saved(monitor, tmp_path / f"{len(places)}.json"))
    parts = Monitor.load(places[2])
    parts.merge(Monitor.load(places[3]))
    found = [merged([places[k] for k in order]) for order in ((0, 1, 2, 3), (2, 3, 0, 1), (3, 0, 2, 1))]
    parts.merge(Monitor.load(places[0]))
    parts.merge(Monitor.load(places[1]))
    assert len({(each.alarm, each.state.peak, each.evidence()) for each in (*found, parts)}) == 1
    looked = Monitor.load(places[2])
    looked.merge(Monitor.load(places[3]))
    assert looked.alarm  # the two that changed, asked by themselves


@pytest.mark.parametrize("workers", [2, 16])
def test_workers_with_memory_that_see_one_stream_tell_no_more_than_one_of_them(workers: int) -> None:
    chance = np.random.default_rng(2)
    known = Reference.of(chance.normal(size=(400, 2)))
    batches = [chance.normal(0.3, 1.0, (4, 2)) for _ in range(40)]
    each = [Monitor(known, memory=2) for _ in range(workers)]
    for monitor in each:
        for batch in batches:
            monitor.update(batch)
    whole = Monitor(known, memory=2)  # has counted nothing, so it is no worker
    for monitor in each:
        whole.merge(monitor)
    assert whole.state.samples == workers * 160
    assert whole.evidence() == pytest.approx(each[0].evidence(), rel=1e-9)
    assert whole.tracks()[0].live == each[0].tracks()[0].live


def fed_at_once(monitor: Monitor, batch: Any) -> tuple[float, ...]:
    """The means served by a batch."""
    monitor.update(batch)
    served = monitor.served()
    assert served is not None
    return served.mean


def test_columns_of_a_data_frame_are_found_by_their_names() -> None:
    pandas = pytest.importorskip("pandas", reason="reads data frames (pip install pandas)")
    chance = np.random.default_rng(0)
    train = pandas.DataFrame({"age": chance.normal(size=200), "dose": chance.normal(9, 1, 200)})
    known = Reference.of(train)
    found = Monitor(known)
    assert fed(found, train[["dose", "age"]].assign(label=1.0)) == 0
    assert found.served() is not None
    held = train.assign(age=train["age"].astype("Float64"), dose=train["dose"] > 9)
    held.loc[0, "age"] = pandas.NA
    mixed = Monitor(known)
    mixed.update(held)
    assert mixed.served().channels[0].nan == 1  # type: ignore[union-attr]
    stamps = pandas.to_datetime(train["dose"], unit="s")
    for odd in ("high", "9.5", stamps, stamps - stamps[0], 1 + 2j, pandas.Categorical(train["dose"])):
        with pytest.raises(DataError, match=r"columns of numbers, found .* in 'dose'"):
            Monitor(known).update(train.assign(dose=odd))
    with pytest.raises(DataError, match="columns whose names differ, found 'age' more than once"):
        Monitor(known).update(pandas.concat([train, train[["age"]]], axis=1))
    arrow = pytest.importorskip("pyarrow").Table.from_pandas(train[["dose", "age"]])
    turned = Monitor(known)
    assert fed_at_once(turned, arrow) == fed_at_once(Monitor(known), train)
    with pytest.raises(DataError, match="the columns of the reference, found none called 'dose'; rename them"):
        Monitor(known).update(train.rename(columns={"dose": "weight"}))


def test_columns_whose_names_are_numbers_are_found_by_them() -> None:
    pandas = pytest.importorskip("pandas", reason="reads data frames (pip install pandas)")
    chance = np.random.default_rng(0)
    train = pandas.DataFrame({2020: chance.normal(size=200), 2021: chance.normal(50, 2, 200)})
    turned = Monitor(Reference.of(train))
    assert fed_at_once(turned, train[[2021, 2020]]) == fed_at_once(Monitor(turned.reference), train)
    with pytest.raises(DataError, match="the columns of the reference, found none called '2020'; rename them"):
        turned.update(train.rename(columns={2020: 2019}))
    with pytest.raises(DataError, match="columns whose names differ, found '2020' more than once"):
        turned.update(train.assign(**{"2020": 1.0}))


def test_grey_pictures_among_colours_are_read_as_colours(known: Reference) -> None:
    monitor, images = Monitor(known), [Image.fromarray(image) for image in photographs(4, 1)]
    monitor.update([images[0], images[1].convert("L"), np.asarray(images[2].convert("L"))])
    assert monitor.state.samples == 3


@pytest.mark.parametrize("shape", [(8, 5), (8, 3, 100), (8, 100, 3), (3,), (8, 3, 1)])
def test_rows_are_one_number_a_column(shape: tuple[int, ...]) -> None:
    monitor = Monitor(Reference.of(np.random.default_rng(0).normal(size=(100, 3))))
    with pytest.raises(DataError, match="rows of the reference's 3 columns, found an array of shape"):
        monitor.update(np.zeros(shape))
    assert monitor.update([np.zeros(3), torch.zeros(3)]) is False
    assert monitor.state.samples == 2


@pytest.mark.parametrize("value", [0.1, 0.3, 1 / 3, 0.7, 5.3, 0.001, 273.15, -98.6, 0.0])
def test_a_constant_that_is_written_with_fewer_digits_is_no_change(value: float) -> None:
    chance = np.random.default_rng(0)
    known, live = (np.column_stack([chance.normal(size=number), np.full(number, value)]) for number in (500, 400))
    monitor = Monitor(Reference.of(known))
    for start in range(0, 400, 8):
        monitor.update(live[start : start + 8].astype(np.float32))
    assert not monitor.alarm
    assert drift(Reference.of(known), live.astype(np.float32)).clean
    moved = Monitor(Reference.of(known))
    live[:, 1] += 1e-4 * max(1.0, abs(value))
    for start in range(0, 400, 8):
        moved.update(live[start : start + 8])
    assert moved.alarm
    assert moved.verdict().reason.startswith("c1 was always")


@pytest.mark.parametrize("mark", [1e20, -3.4028235e38, 0.1, -9999.0])
def test_values_that_mean_no_data_are_told_in_the_type_of_the_data(mark: float) -> None:
    chance = np.random.default_rng(0)

    def made(centre: float, share: float) -> np.ndarray[Any, np.dtype[np.float32]]:
        values = chance.normal(centre, 5, (60, 12, 12, 3)).astype(np.float32)
        values[chance.random(values.shape) < share] = mark
        return values

    known = Reference.of(made(290, 0.1), nodata=mark)
    assert 200 < min(known.taking.low) < max(known.taking.high) < 400
    assert known.stats.mean == pytest.approx((290,) * 3, abs=0.2)
    assert drift(known, made(290, 0.1)).clean
    assert drift(known, made(320, 0.1)).kind == "offset"
    assert drift(known, made(290, 0.6)).kind == "no data"


@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
@pytest.mark.parametrize(("dtype", "mark"), [("float32", -9999), ("uint16", 0)])
def test_a_value_that_all_rasters_state_as_no_data_is_none_of_a_services_values(dtype: str, mark: int, tmp_path: Path) -> None:
    rasterio: Any = pytest.importorskip("rasterio", reason="writes GeoTIFF (pip install 'tare[geo]')")
    scenes = np.random.default_rng(0).normal(1000, 50, (60, 12, 12)).astype(dtype)
    scenes[:, :3] = mark
    for place, scene in enumerate(scenes[:30]):
        shape = {"count": 1, "height": 12, "width": 12, "dtype": dtype, "nodata": mark}
        with rasterio.open(tmp_path / f"{place:02}.tif", "w", driver="GTiff", **shape) as file:
            file.write(scene, 1)
    known = Reference.of(tmp_path)
    assert [*known.taking.nodata] == [mark]
    monitor = Monitor(known)
    assert fed(monitor, scenes[30:, ..., None]) == 0
    assert monitor.verdict().values[0][1].count == 30 * 108


def test_what_a_front_end_makes_of_recordings_is_no_recording(tmp_path: Path) -> None:
    from tare.samples.sound.front_end import FrontEnd

    spectra = np.random.default_rng(0).normal(-1, 2, (60, 16, 8)).astype(np.float32)
    front = FrontEnd.of({"feature_extractor_type": "ASTFeatureExtractor", "max_length": 16, "num_mel_bins": 8}, "a test")
    known = replace(Reference.of(spectra[..., None], Options(layout="NHWC")), front=front)
    known.save(tmp_path / "r.json")
    monitor = Monitor(tmp_path / "r.json")
    assert (monitor.reference.front, monitor.reference.digest) == (front, known.digest)
    for batch in (spectra[:8], [*spectra[:8]], spectra[:8, ..., None], spectra[:8].transpose(0, 2, 1)):
        monitor.update(batch)
    assert monitor.state.samples == 32
    with pytest.raises(DataError, match=r"spectrograms of 16 frames and 8 bins, .* found samples of shape \(4000,\)"):
        monitor.update(np.zeros((8, 4000), np.float32))


def test_volumes_as_the_network_takes_them_are_not_those_that_are_stored() -> None:
    volumes = np.random.default_rng(0).normal(size=(30, 6, 6, 6, 1)).astype(np.float32)
    known = replace(Reference.of(volumes, Options(layout="NDHWC")), as_fed={"mean": (0.0,), "std": (1.0,)}, axes=4)
    with pytest.raises(SpecError, match="a reference of volumes or videos as the network takes them"):
        Monitor(known, values="fed")
    seen = replace(known, axes=0)
    monitor = Monitor(replace(known, seen=seen), values="fed")
    monitor.update(volumes[:8].transpose(0, 4, 1, 2, 3))
    assert monitor.state.samples == 8


@pytest.mark.parametrize(
    ("batch", "found"),
    [
        (np.full((4, 8, 8, 3), 7, np.uint8), r"floats in \[0, 1\] for values='unit', found uint8"),
        (np.full((4, 8, 8, 3), 127.0, np.float32), r"values in \[0, 1\] for .*, found 768 of 768 outside, from 127 to 127"),
        (np.full((4, 8, 8, 3), -0.9, np.float32), r"values in \[0, 1\] for values='unit', found 768 of 768 outside, from -0.9"),
    ],
)
def test_what_are_no_unit_values_is_refused_and_not_cut_to_them(known: Reference, batch: Any, found: str) -> None:
    with pytest.raises(DataError, match=found):
        Monitor(known, values="unit").update(batch)


def test_an_infinite_unit_value_is_a_missing_one(known: Reference) -> None:
    batch = np.full((4, 8, 8, 3), 0.5, np.float32)
    batch[0, 0, 0, 0] = np.inf
    (block,) = blocks_of(batch, known, "unit")
    assert int(np.isnan(block).sum()) == 1
    assert np.nanmax(block) == 128
