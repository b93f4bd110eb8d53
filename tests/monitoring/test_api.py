from __future__ import annotations

import json
import math
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch.utils.data import IterableDataset
from typer.testing import CliRunner

import tare
from tare.cli.main import app
from tare.errors import DataError, SpecError
from tare.monitoring.monitor import Monitor
from tare.monitoring.reference import Reference
from tare.sources.options import Options
from tests.monitoring.made import changed, photographs, reference


def saved(images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], folder: Path) -> Path:
    folder.mkdir()
    for place, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{place:04d}.png")
    return folder


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    reference(800).save(tmp_path / "reference.json")
    return {
        "reference": tmp_path / "reference.json",
        "same": saved(photographs(120, 1), tmp_path / "same"),
        "darker": saved(changed(photographs(120, 2), gain=0.7), tmp_path / "darker"),
    }


def test_exit_codes_say_what_was_found(places: dict[str, Path], tmp_path: Path) -> None:
    runner = CliRunner()
    arguments = ["drift", str(places["reference"])]
    same = runner.invoke(app, [*arguments, str(places["same"])])
    assert same.exit_code == 0
    assert "No change shown in 120 samples" in same.output
    darker = runner.invoke(app, [*arguments, str(places["same"]), str(places["darker"]), "--json"])
    document = json.loads(darker.stdout)
    assert darker.exit_code == 1
    assert document["schema"] == "tare.drift/1"
    assert document["since"]["low"] <= 16 <= document["since"]["high"]
    assert document["samples"] == 240
    missing = runner.invoke(app, [*arguments, str(tmp_path / "missing")])
    assert missing.exit_code != 0


def test_the_annotation_and_the_page_are_escaped(places: dict[str, Path], tmp_path: Path) -> None:
    runner, page = CliRunner(), tmp_path / "d.html"
    given = [str(places["reference"]), str(places["darker"]), "--format", "github", "--html", str(page)]
    found = runner.invoke(app, ["drift", *given])
    assert found.exit_code == 1
    assert found.stdout.startswith("::warning title=tare drift::Changed since batch")
    assert len(found.stdout.strip().splitlines()) == 1
    text = page.read_text()
    assert "http" not in text.split("<script")[0]
    assert "Changed since batch" in text


def test_the_command_on_the_page_has_every_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = (written(table(seed, 200), tmp_path / f"{seed}.csv") for seed in (0, 1))
    words = ["drift", str(before), str(after), "--columns", "temp,hum", "--batch", "4", "--html", str(tmp_path / "page.html")]
    monkeypatch.setattr("sys.argv", ["tare", *words])
    CliRunner().invoke(app, words)
    assert shlex.join(["tare", *words]) in (tmp_path / "page.html").read_text(encoding="utf-8").replace(" \\\n  ", " ")


def test_training_data_serve_as_a_reference(tmp_path: Path) -> None:
    train, served = (np.random.default_rng(seed).normal(size=(600, 2)) for seed in (0, 1))
    for name, values in (("train", train), ("served", served), ("moved", served + np.array([0, 1]))):
        np.savetxt(tmp_path / f"{name}.csv", values, delimiter=",", header="a,b", comments="")
    assert tare.drift(str(tmp_path / "train.csv"), [str(tmp_path / "served.csv")]).clean
    moved = tare.drift(str(tmp_path / "train.csv"), str(tmp_path / "moved.csv"))
    assert not moved.clean
    assert moved.tracks


def test_what_the_reference_could_not_read_is_counted_and_said_as_of_the_data(tmp_path: Path) -> None:
    whole = saved(photographs(40, 3), tmp_path / "whole")
    damaged = saved(photographs(40, 4), tmp_path / "damaged")
    for place in (0, 7):
        (damaged / f"{place:04d}.png").write_bytes((damaged / f"{place:04d}.png").read_bytes()[:60])
    (damaged / "notes.txt").write_text("a note")
    for known, data in ((damaged, whole), (whole, damaged)):
        with pytest.raises(DataError, match=r"at most 0.00% unreadable samples.*2 of 40"):
            tare.drift(known, data, max_skipped=0.0)
        told = [note for note in tare.drift(known, data, max_skipped=0.5).notes if "0000.png" in note]
        assert len(told) == 1
        assert "2 unreadable samples" in told[0]
        assert told[0].startswith("reference: ") == (known == damaged)
    assert any(
        note.startswith("reference: ") and "notes.txt" in note for note in tare.drift(damaged, whole, max_skipped=1.0).notes
    )


def test_too_few_samples_for_a_reference_name_what_could_not_be_read(tmp_path: Path) -> None:
    folder = saved(photographs(24, 5), tmp_path / "few")
    for place in range(10):
        (folder / f"{place:04d}.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"14, beside 10 unreadable.*0000\.png"):
        Reference.of(folder)


def test_batches_do_not_depend_on_how_data_are_cut() -> None:
    known, images = reference(300), photographs(50, 4)
    whole = tare.drift(known, [images], batch=7)
    parts = tare.drift(known, [images[:11], images[11:12], images[12:]], batch=7)
    monitor = Monitor(known)
    for start in range(0, 50, 7):
        monitor.update(images[start : start + 7])
    assert whole.evidence == parts.evidence == monitor.verdict().evidence
    assert whole.batches == 8


def test_numbered_files_are_taken_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    """As text f10 comes before f2, and a change at one time would lie at several."""
    images = np.concatenate([photographs(120, 1), changed(photographs(120, 2), offset=0.1)])
    for name, width in (("padded", 4), ("plain", 0)):
        (tmp_path / name).mkdir()
        for place, image in enumerate(images):
            Image.fromarray(image).save(tmp_path / name / f"f{place:0{width}d}.png")
    found = [tare.drift(reference(800), [str(tmp_path / name)], workers=1) for name in ("padded", "plain", "plain/*.png")]
    assert found[0].alarm
    assert {str(each) for each in found} == {str(found[0])}


def test_a_threshold_of_a_classical_distance_counts() -> None:
    known, images = reference(300), photographs(60, 5)
    assert tare.drift(known, [images]).clean
    found = tare.drift(known, [images], wasserstein=1e-6)
    assert not found.clean
    assert not found.alarm
    assert "wasserstein of red is" in str(found)


def test_a_reference_survives_its_file_and_is_small(tmp_path: Path) -> None:
    known = reference(500)
    known.save(tmp_path / "r.json")
    again = Reference.load(tmp_path / "r.json")
    assert again.digest == known.digest
    assert (again.counts == known.counts).all()
    assert (tmp_path / "r.json").stat().st_size < 32_000


@pytest.mark.parametrize("damage", ["", "[]", '{"schema": "tare.stats/2"}', "samples", "counts", "step"])
def test_a_damaged_reference_is_refused(tmp_path: Path, damage: str) -> None:
    document, text = reference(100).to_json(), damage
    if damage == "samples":
        text = json.dumps({**document, "samples": 30})
    elif damage == "counts":
        text = json.dumps({**document, "counts": document["counts"][:40]})
    elif damage == "step":
        text = json.dumps({**document, "figures": [{**each, "step": 0} for each in document["figures"]]})
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(DataError):
        Reference.load(tmp_path / "r.json")


def test_few_samples_are_no_reference() -> None:
    with pytest.raises(DataError, match="20 samples or more"):
        Reference.of(photographs(19, 0), workers=1)


def test_grey_images_among_colours_are_read_as_colours(tmp_path: Path) -> None:
    known, images = reference(300), photographs(40, 6)
    folder = saved(images[:20], tmp_path / "mixed")
    for place, image in enumerate(images[20:]):
        Image.fromarray(image[..., 0]).save(folder / f"grey{place}.png")
    assert tare.drift(known, str(folder)).samples == 40


def test_a_place_without_a_reference_says_what_to_name_instead(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected a reference, found none in .*; name the training data in its place"):
        Reference.load(tmp_path)
    with pytest.raises(DataError, match=r"which does not exist"):
        Reference.load(tmp_path / "gone.json")


def test_a_list_of_images_is_one_set_of_data() -> None:
    before, after = photographs(120, 1), changed(photographs(60, 2), gain=0.7)
    told = [tare.drift([*before], data) for data in ([*after], [Image.fromarray(each) for each in after], [[*after]])]
    assert {verdict.samples for verdict in told} == {60}
    assert len({str(verdict) for verdict in told}) == 1


def test_columns_that_the_reference_does_not_have_are_left_out_by_name(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(400, 2))
    (tmp_path / "train.csv").write_text("acid,sugar\n" + "".join(f"{a},{b}\n" for a, b in values))
    (tmp_path / "later.csv").write_text("quality,sugar,acid\n" + "".join(f"5,{b},{a + 2}\n" for a, b in values))
    verdict = tare.drift(tmp_path / "train.csv", tmp_path / "later.csv")
    assert verdict.samples == 400
    assert verdict.alarm
    (tmp_path / "plain.csv").write_text("acid,sugar\n" + "".join(f"{a + 2},{b}\n" for a, b in values))
    assert str(verdict) == str(tare.drift(tmp_path / "train.csv", tmp_path / "plain.csv"))


def table(seed: int, number: int = 1500) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """Independent rows: a scale of 50 steps, a share, a column of two values, one that is constant, and months."""
    rng = np.random.default_rng(seed)
    return {
        "temp": np.round(rng.beta(3, 3, number) * 50) / 50,
        "hum": rng.beta(4, 2, number),
        "holiday": (rng.random(number) < 0.05).astype(np.float64),
        "year": np.full(number, 2011.0),
        "month": rng.integers(1, 13, number).astype(np.float64),
    }


def test_a_product_of_columns_is_named_as_what_it_is() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.multivariate_normal([0.5, 0.6], [[0.04, -0.015], [-0.015, 0.02]], 3000).T
    known = Reference.of(np.stack([x, y], axis=1)[:1500], workers=1)
    assert any(figure.name == "correlation of c0 and c1" for figure in known.figures)  # as in files of earlier versions
    warm = tare.drift(known, np.stack([1.8 * x + 0.32, y], axis=1)[1500:])
    product = next(track for track in warm.tracks if track.figure.startswith("product"))
    assert product.figure == "product of c0 and c1 in reference stds"
    assert product.reference == pytest.approx(np.corrcoef(x, y)[0, 1], abs=0.05)
    assert warm.kind == "gain and offset"
    assert "correlation" not in f"{warm} {[track.figure for track in warm.tracks]}"
    apart = tare.drift(known, np.stack([x, rng.permutation(y)], axis=1)[1500:])
    assert apart.kind == "content"
    assert "the product of c0 and c1 in reference stds is not" in apart.reason


def written(columns: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]], path: Path) -> Path:
    np.savetxt(path, np.stack(list(columns.values()), axis=1), delimiter=",", header=",".join(columns), comments="")
    return path


def test_the_column_that_changed_is_named_beside_those_that_did_not(tmp_path: Path) -> None:
    before, after = written(table(0), tmp_path / "before.csv"), table(3)
    units = tare.drift(before, written({**after, "temp": 41 * after["temp"]}, tmp_path / "units.csv"))
    assert units.headline == "Changed since batch 1: units of temp."
    assert units.affected == ("temp",)
    assert "Convert the values of temp to the units of the reference (divide by 4" in str(units)
    line = tare.drift(before, written({**after, "temp": 1.8 * after["temp"] + 0.32}, tmp_path / "line.csv"))
    assert (line.kind, line.affected) == ("gain and offset", ("temp",))
    gains = [each.gain.estimate for each in line.maps]
    assert gains[0] == pytest.approx(1.8, rel=0.05)
    assert gains[1:] == [1.0] * 4
    assert "Of temp alone: where the network" in str(line)
    assert ",1,1,1,1 --offset=0.3" in line.command


@pytest.mark.parametrize("seed", range(3))
def test_one_far_value_of_the_reference_makes_no_dead_channel_and_no_distance(seed: int) -> None:
    chance = np.random.default_rng(seed)
    before = chance.normal(size=(3000, 2))
    before[0, 0] = 1e6
    verdict = tare.drift(before, [chance.normal(size=(2500, 2)) * [1.5, 1] + [1, 0]], ks=0.3)
    assert verdict.alarm
    assert "dead" not in verdict.kind
    assert "constant" not in verdict.reason
    assert any("c0 are not known" in note and "far from all others" in note for note in verdict.notes)
    assert math.isnan(verdict.distances[0].ks)
    assert verdict.distances[1].ks < 0.1
    stuck = tare.drift(before, [np.array([0.5, 0]) + chance.normal(size=(2500, 2)) * [0, 1]])
    assert stuck.kind == "dead channel"


def test_a_constant_column_is_named_and_hides_no_other_change(tmp_path: Path) -> None:
    before, after = written(table(0), tmp_path / "before.csv"), table(3)
    month = {**after, "month": np.full(1500, 4.0)}
    alone = tare.drift(before, written(month, tmp_path / "month.csv"))
    assert (alone.kind, alone.reason) == ("dead channel", "month is constant")  # and the year, which always was, is not dead
    warm = {**month, "hum": np.where(month["hum"] < 0.6, month["hum"], 1.2 - month["hum"])}
    both = tare.drift(before, written(warm, tmp_path / "warm.csv"))
    assert both.kind == "content"
    assert "most in hum" in both.reason
    assert both.reason.endswith("and month is constant")
    later = tare.drift(before, written({**after, "year": np.full(1500, 2012.0)}, tmp_path / "later.csv"))
    assert (later.kind, later.reason) == ("content", "year was always 2011 and is 2012")


@pytest.mark.parametrize("share", [0.02, 0.05])
def test_values_beyond_all_of_the_reference_are_a_change_of_a_column(share: float) -> None:
    chance = np.random.default_rng(0)
    before, after = (2000 + chance.normal(0, 5, (4000, 1)) for _ in range(2))
    after[chance.random(4000) < share] = 0.0
    verdict = tare.drift(before, after)
    assert not verdict.clean
    assert verdict.alarm or "lie below all values of the reference, the lowest of which is" in str(verdict)
    for seed in range(20):  # of heavy tails the largest of all lie on either side by chance
        generator = np.random.default_rng(seed)
        null = tare.drift(generator.standard_cauchy((500, 1)), generator.standard_cauchy((2000, 1)))
        assert null.clean


def test_distances_are_not_known_where_bins_hide_how_far_values_are_apart() -> None:
    chance = np.random.default_rng(0)
    before, after = (1e6 + chance.normal(0, 1, (4000, 1)) for _ in range(2))
    after[chance.random(4000) < 0.05] = 0.0
    verdict = tare.drift(before, after)
    assert math.isnan(verdict.distances[0].ks)
    assert any("PSI, KS and Wasserstein of c0 are not known" in note for note in verdict.notes)
    assert not tare.drift(before, after, ks=0.2).clean


def test_a_parquet_file_is_a_reference_and_is_tested(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    chance = np.random.default_rng(0)
    for name, level in (("before", 0.0), ("after", 3.0)):
        polars.DataFrame({"x": chance.normal(level, 1, 1000), "y": chance.normal(size=1000)}).write_parquet(
            tmp_path / f"{name}.parquet"
        )
    assert tare.drift(tmp_path / "before.parquet", tmp_path / "before.parquet").clean
    assert tare.drift(tmp_path / "before.parquet", tmp_path / "after.parquet").affected == ("x",)


def test_a_column_in_much_larger_units_is_not_dead() -> None:
    before, after = (np.random.default_rng(seed).normal(50, 10, (1000, 1)) for seed in (0, 1))
    verdict = tare.drift(before, after / 1000)
    assert verdict.kind == "units"
    assert "near 1000" in verdict.reason
    assert tare.drift(before, np.full((1000, 1), 50.0)).kind == "dead channel"


def test_means_of_what_lies_beyond_the_reference_are_told() -> None:
    before, after = (np.random.default_rng(seed).normal(level, 1, (3000, 1)) for seed, level in ((0, 0.0), (1, 5.0)))
    mean = float(after.mean())
    said = f"the means of what arrived are {mean:.4g} of c0 (of the reference {before[:, 0].mean():.4g})"
    assert any(said in note for note in tare.drift(before, after).notes)
    assert not any("the means of what arrived" in note for note in tare.drift(before, before[::-1].copy()).notes)


def test_a_table_without_a_column_of_the_reference_is_refused(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(100, 2))
    for name, head in (("train", "acid,sugar"), ("later", "acid,salt"), ("third", "sugar,salt,acid")):
        rows = "".join(f"{a},{b}{',1' if name == 'third' else ''}\n" for a, b in values)
        (tmp_path / f"{name}.csv").write_text(f"{head}\n{rows}")
    with pytest.raises(DataError, match="the columns of the reference, found none called 'sugar'; rename them, or name"):
        tare.drift(tmp_path / "train.csv", tmp_path / "later.csv")
    assert tare.drift(tmp_path / "train.csv", tmp_path / "third.csv").samples == 100


@pytest.mark.parametrize("dtype", ["int16", "float32"])
@pytest.mark.parametrize("rows", [False, True])
def test_values_that_arriving_data_state_to_mean_no_data_are_missing_ones(tmp_path: Path, dtype: str, rows: bool) -> None:
    h5py = pytest.importorskip("h5py", reason="writes HDF5 files (pip install 'tare[science]')")
    chance = np.random.default_rng(0)

    def stored(name: str, number: int, mark: int, share: float) -> str:
        values = chance.normal(500, 50, (number, 3) if rows else (number, 9, 10, 3)).astype(dtype)
        values[chance.random(values.shape) < share] = mark
        with h5py.File(tmp_path / name, "w") as file:
            file.create_dataset("x", data=values).attrs["_FillValue"] = np.dtype(dtype).type(mark)
        return str(tmp_path / name)

    known, other, more = stored("a.nc", 400, -9999, 0.1), stored("b.nc", 200, -1, 0.1), stored("c.nc", 200, -1, 0.6)
    layout = "NC" if rows else "NHWC"
    found = tare.drift(known, other, layout=layout)
    assert found.clean, found.reason
    assert tare.drift(known, more, layout=layout).kind == "no data"
    Reference.of(known, Options(layout=layout), nodata=(0, 7)).save(tmp_path / "r.json")
    assert tare.drift(tmp_path / "r.json", other, layout=layout, nodata=[7, 0]).clean
    with pytest.raises(DataError, match=r"that mean no data in the reference: .*, found --nodata \[8.0\]"):
        tare.drift(tmp_path / "r.json", other, layout=layout, nodata=8)


@pytest.mark.parametrize("case", ["empty", "never both", "border"])
def test_a_figure_that_no_sample_of_the_reference_has_is_said_and_not_judged(case: str) -> None:
    chance = np.random.default_rng(0)
    if case == "border":
        known: np.ndarray[tuple[int, ...], np.dtype[Any]] = chance.integers(1, 255, (80, 8, 8, 3)).astype(np.uint8)
        known[:, 0] = 0
        reference = Reference.of(known, nodata=0)
        expected = "correlation of red and green"
    else:
        known = chance.normal(size=(400, 2))
        known[:, 1] = np.where(np.arange(400) % 2 < (case == "never both"), known[:, 1], np.nan)
        known[:, 0] = np.where((np.arange(400) % 2 == 0) & (case == "never both"), np.nan, known[:, 0])
        reference = Reference.of(known)
        expected = "mean of c1" if case == "empty" else "product of c0 and c1"
    verdict = tare.drift(reference, known)
    assert not verdict.alarm
    (note,) = [note for note in verdict.notes if "not judged" in note and "no sample of the reference" in note]
    assert expected in note
    if case == "empty":
        assert tare.drift(reference, np.nan_to_num(known, nan=1.0)).kind == "no data"


@pytest.mark.parametrize("value", [1e300, 1.7e308])
@pytest.mark.parametrize("swapped", [False, True])
def test_values_near_the_end_of_doubles_are_no_traceback(value: float, swapped: bool) -> None:
    chance = np.random.default_rng(0)
    sides = [chance.normal(size=(300, 2)), chance.normal(size=(300, 2))]
    sides[0][0] = value
    verdict = tare.drift(*(sides[::-1] if swapped else sides))
    assert np.isfinite(verdict.evidence)
    sides[0][::2, 0] = value  # as a filler in half of the rows
    verdict = tare.drift(sides[0], sides[0])
    assert np.isfinite(verdict.evidence)
    assert not verdict.alarm


def test_batches_of_few_signals_are_no_images() -> None:
    chance = np.random.default_rng(0)
    reference = Reference.of(chance.normal(size=(200, 2, 300)))
    signals = chance.normal(size=(120, 2, 300))
    for size in (2, 4, 5):
        assert tare.drift(reference, [signals[start : start + size] for start in range(0, 120, size)]).samples == 120


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_the_share_of_values_that_a_mask_hides_is_tested_whatever_their_dtype(dtype: str) -> None:
    chance = np.random.default_rng(0)

    def masked(share: float, empty: int = 0) -> np.ma.MaskedArray[Any, Any]:
        values = np.clip(chance.normal(100, 20, (60, 12, 12, 2)), 1, 255).astype(dtype)
        hidden = np.broadcast_to(chance.random((60, 12, 12, 1)) < share, values.shape).copy()
        hidden[:empty] = True
        return np.ma.MaskedArray(values, hidden)

    reference = tare.Reference.of(masked(0.1))
    assert (reference.taking.dtype, reference.stats.channels[0].nan > 0) == (dtype, True)
    assert reference.stats.mean == pytest.approx(np.full(2, 100 / {"uint8": 255, "uint16": 65535}.get(dtype, 1)), rel=0.01)
    assert tare.drift(reference, masked(0.1)).clean
    for more in (masked(0.6), masked(0.1, empty=20)):
        verdict = tare.drift(reference, more)
        assert (verdict.alarm, verdict.kind) == (True, "no data")
        assert "their order" not in verdict.reason


def test_arrays_whose_axes_need_a_word_are_tested_with_it(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(60, 9, 9, 12)).astype(np.float32)
    np.savez(tmp_path / "all.npz", values=values, others=values[:, 0])
    options: Any = {"layout": "NHWC", "array": "values"}
    assert tare.drift(tmp_path / "all.npz", tmp_path / "all.npz", **options).clean
    with pytest.raises(DataError, match="--layout NHWC"):
        tare.drift(tmp_path / "all.npz", tmp_path / "all.npz", array="values")


def test_whole_numbers_of_64_bits_have_no_share_at_an_end() -> None:
    made = tare.Reference.of(np.arange(60 * 16 * 16 * 3).reshape(60, 16, 16, 3))
    assert [channel.share_at_high_end for channel in made.stats.channels] == pytest.approx([0, 0, 0], abs=1e-4)


def test_a_stream_that_can_be_read_once_is_a_whole_reference() -> None:
    values = np.random.default_rng(0).integers(0, 256, (200, 8, 8, 3)).astype(np.uint8)
    values[:64] = 255

    class Once(IterableDataset[Any]):
        """Its samples can be taken once."""

        samples = iter(values)

        def __iter__(self) -> Iterator[Any]:
            return self.samples

    made = Reference.of(Once())
    assert made.samples == 200
    assert made.stats.mean == pytest.approx(values.mean(axis=(0, 1, 2)) / 255, rel=1e-12)


def test_a_grey_image_among_the_first_is_read_as_colours(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    for number in range(30):
        shape = (8, 8) if number == 3 else (8, 8, 3)
        Image.fromarray(chance.integers(0, 256, shape).astype(np.uint8)).save(tmp_path / f"{number:02d}.png")
    made = Reference.of(tmp_path)
    assert made.stats.mean == pytest.approx(tare.measure(tmp_path).mean, rel=1e-12)
    Image.fromarray(chance.integers(0, 256, (8, 8, 3)).astype(np.uint8)).save(tmp_path / "99.png")
    grey = Reference.of(chance.integers(0, 256, (30, 8, 8, 1)).astype(np.uint8))
    with pytest.raises(DataError, match="convert all with --channels"):
        tare.drift(grey, tmp_path)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_rows_of_any_dtype_have_the_units_that_measure_gives_them(dtype: str) -> None:
    chance = np.random.default_rng(0)
    rows, later = (chance.normal(centre, 10, (20_000, 2)).astype(dtype) for centre in (100, 130))
    measured, made = tare.measure(rows), Reference.of(rows)
    assert (*made.stats.mean, *made.stats.std) == pytest.approx((*measured.mean, *measured.std))
    scale = {"uint8": 255, "uint16": 65535}.get(dtype, 1)
    verdict = tare.drift(made, later)
    assert verdict.kind == "offset"
    assert [each.offset.estimate for each in verdict.maps] == pytest.approx([30 / scale] * 2, rel=0.1)


@pytest.mark.parametrize("shape", [(50, 3), (8, 9, 3), (3,), (6, 7, 1)], ids=["signals", "images", "rows", "grey"])
def test_a_list_of_samples_and_one_of_batches_count_the_same_samples(shape: tuple[int, ...]) -> None:
    chance = np.random.default_rng(0)
    reference, values = (Reference.of(chance.normal(size=(200, *shape))), chance.normal(size=(96, *shape)))
    expected = tare.drift(reference, values)
    lists = [[*values], [values[start : start + 32] for start in range(0, 96, 32)]]
    options: list[dict[str, Any]] = [{}, {}]
    if shape[-1] == 1:
        lists += [[*values[..., 0]], [values[:48, ..., 0], values[48:, ..., 0]]]
        options += [{"layout": "HW"}, {"layout": "NHW"}]
    for given, stated in zip(lists, options, strict=True):
        verdict = tare.drift(reference, given, **stated)
        assert verdict.samples == 96
        assert verdict.evidence == pytest.approx(expected.evidence)
    assert Reference.from_json(reference.to_json()).axes == len(shape)


@pytest.mark.parametrize("columns", [1, 2])
def test_rows_of_other_columns_are_refused_and_never_taken_for_grey(columns: int) -> None:
    chance = np.random.default_rng(0)
    with pytest.raises(DataError, match="rows of 3 columns"):
        tare.drift(Reference.of(chance.normal(size=(200, 3))), chance.normal(size=(96, columns)))


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_rows_that_arrive_in_another_type_count_as_they_are(dtype: str) -> None:
    """Rows of a whole-number reference that arrive scaled, as floats, or beyond the range of its type."""
    chance = np.random.default_rng(0)
    known = chance.integers(50, 150, (2000, 2)).astype(dtype)
    scale = 255 if dtype == "uint8" else 1
    for live in (known * 0.004, known.astype(np.int64) + 200, known.astype(np.int64) - 90, known / 2.0):
        monitor = Monitor(Reference.of(known))
        for start in range(0, 800, 8):
            monitor.update(live[start : start + 8])
        served = monitor.served()
        assert served is not None
        assert served.mean == pytest.approx(tuple(live[:800].mean(axis=0) / scale), rel=1e-9)
        assert monitor.alarm


def test_recovered_constants_are_those_of_the_command() -> None:
    with pytest.raises(SpecError, match=r"recover in the command alone.*with_recovered\(verdict, reference, data\)"):
        tare.drift(reference(100), photographs(30, 1), recover=True)


def test_tiles_of_two_orders_are_looked_at_by_the_names_of_their_bands(tmp_path: Path) -> None:
    pytest.importorskip("rasterio", reason="reads georeferenced rasters (pip install 'tare[geo]')")
    from tests.predicting.test_samples import tile

    rng, names = np.random.default_rng(0), ("B02", "B03", "B04", "B08")
    pixels = (rng.normal(1000, 100, (48, 16, 16, 4)) + rng.normal(0, 20, (48, 1, 1, 1)) + [0, 500, 1000, 2000]).astype(np.uint16)
    for number, each in enumerate(pixels):
        order = slice(None, None, 1 if number % 2 == 0 else -1)
        tile(tmp_path / "one" / f"{number:02}.tif", each, names)
        tile(tmp_path / "mixed" / f"{number:02}.tif", each[..., order], names[order])
    plain = tare.drift(tmp_path / "one", tmp_path / "one")
    for known, data in (("one", "mixed"), ("mixed", "one"), ("mixed", "mixed")):
        found = tare.drift(tmp_path / known, tmp_path / data)
        assert [(one.channel, one.wasserstein) for one in found.distances] == [
            (one.channel, one.wasserstein) for one in plain.distances
        ]
    np.save(tmp_path / "nameless.npy", pixels)
    told = tare.drift(tmp_path / "one", tmp_path / "nameless.npy").notes
    assert "channels are paired by their places: 'B02' with 'c0', 'B03' with 'c1', 'B04' with 'c2', 'B08' with 'c3'" in told


def test_names_of_a_table_that_may_be_places_of_an_array_are_told(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal((0, 5, 9), 1, (200, 3))
    np.save(tmp_path / "a.npy", rows)
    lines = ["blue,green,red", *(",".join(map(repr, row)) for row in rows.tolist())]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    by_place = tare.drift(tmp_path / "a.csv", tmp_path / "a.npy")
    assert by_place.clean
    assert any(note.startswith("channels are paired by their places: 'blue' with") for note in by_place.notes)
    by_name = tare.drift(tmp_path / "a.npy", tmp_path / "a.csv").notes
    assert any(note.startswith("channels are paired by their names, red, green, blue; unnamed channels") for note in by_name)


def test_tiles_of_colours_are_pictures_in_whichever_order_and_case(tmp_path: Path) -> None:
    pytest.importorskip("rasterio", reason="reads georeferenced rasters (pip install 'tare[geo]')")
    from tests.images import save_png
    from tests.predicting.test_samples import tile

    rng = np.random.default_rng(0)
    pixels = np.clip(rng.normal([60, 120, 180], 12, (40, 12, 12, 3)) + rng.normal(0, 4, (40, 1, 1, 1)), 0, 255).astype(np.uint8)
    for number, each in enumerate(pixels):
        save_png(tmp_path / "png" / f"{number:02}.png", each)
        tile(tmp_path / "tif" / f"{number:02}.tif", each[..., [2, 0, 1]], ("Blue", "Red", "Green"))
    found = tare.drift(tmp_path / "png", tmp_path / "tif")
    assert max(one.wasserstein for one in found.distances) < 0.05
