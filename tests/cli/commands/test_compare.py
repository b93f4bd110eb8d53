from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from tare.cli.main import app
from tare.errors import TareError
from tests.images import rgb_folder, save_png


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    from tare.reporting import console

    monkeypatch.setattr(console.out, "_width", 80)
    monkeypatch.setattr(console.err, "_width", 80)


@pytest.fixture
def sensors(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Images of one scene type by one sensor, more of them, and more of them by a sensor of half the gain."""
    rng = np.random.default_rng(0)
    level, contrast = rng.uniform(0.3, 0.6, (1800, 1, 1, 1)), rng.uniform(0.05, 0.12, (1800, 1, 1, 1))
    images = np.clip(level + contrast * rng.standard_normal((1800, 8, 8, 1)), 0, 1)
    first, second, darker = (tmp_path / f"{name}.npy" for name in ("first", "second", "darker"))
    for path, values in ((first, images[::2]), (second, images[1::2]), (darker, images[1::2] / 2)):
        np.save(path, np.rint(values * 255).astype(np.uint8))
    return first, second, darker


def run(*arguments: str | Path, command: str = "compare") -> Result:
    words = [command, *map(str, arguments)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["tare", *words])
        return CliRunner().invoke(app, words)


def test_no_difference_is_exit_code_zero_and_a_gain_is_one(sensors: tuple[Path, Path, Path]) -> None:
    first, second, darker = sensors
    same, gain = run(first, second), run(first, darker)
    assert (same.exit_code, gain.exit_code) == (0, 1)
    assert "no difference shown: every interval holds no shift and a ratio of 1" in same.output
    words = " ".join(gain.output.split())
    assert re.search(
        r"gain: the shape is the same to what sampling and rounding explain; gain 0\.(49|5)\d*, and no offset", words
    )


def test_the_output_fits_eighty_columns_and_draws_both(sensors: tuple[Path, Path, Path]) -> None:
    output = run(sensors[0], sensors[2]).output
    lines = output.splitlines()
    assert [line for line in lines[2:] if len(line.rstrip()) > 80] == []  # the first two name the files
    assert "source  " in lines[0]
    assert "target  " in lines[1]
    assert "█" in output
    assert set("⣀⠤⠒⠉") & set(output)
    assert "blocks: source, dots: target" in output


def test_statistics_files_say_the_same_as_their_data(sensors: tuple[Path, Path, Path], tmp_path: Path) -> None:
    for path in sensors[::2]:
        run(path, "--out", tmp_path / f"{path.stem}.json", command="measure")
    of_files = run(tmp_path / "first.json", tmp_path / "darker.json", "--json")
    assert json.loads(of_files.stdout) == json.loads(run(sensors[0], sensors[2], "--json", "--workers", "2").stdout)


def test_json_has_a_schema_both_sides_and_intervals(sensors: tuple[Path, Path, Path]) -> None:
    result = run(sensors[0], sensors[2], "--json")
    document: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == 1
    assert document["schema"] == "tare.compare/1"
    assert document["kind"] == "gain"
    (channel,) = document["channels"]
    assert channel["name"] == "grey"
    assert channel["ratio"]["low"] < 0.5 < channel["ratio"]["high"]
    assert channel["shift"]["high"] < 0
    assert channel["differs"] is True
    assert channel["fit"]["gain"] == pytest.approx(0.5, rel=0.05)
    assert document["source"]["schema"] == document["target"]["schema"] == "tare.stats/2"


def test_the_page_is_written_beside_the_printed_report(sensors: tuple[Path, Path, Path], tmp_path: Path) -> None:
    page = tmp_path / "new" / "difference.html"
    assert run(sensors[0], sensors[2], "--html", page).exit_code == 1
    text = page.read_text(encoding="utf-8")
    assert "values are the source&#x27;s at another gain" in text
    assert f"tare compare {sensors[0]} {sensors[2]} --html {page}" in text.replace(" \\\n  ", " ")


def test_a_catalog_name_is_compared_with_data(tmp_path: Path) -> None:
    rgb_folder(tmp_path, 30)
    result = run("cifar10", tmp_path)
    assert result.exit_code == 1
    assert "catalog entry 'cifar10'" in result.output
    assert "The source is a stated mean and std, with no histogram." in " ".join(result.output.split())


def test_a_constant_of_another_definition_is_compared_like_with_like(tmp_path: Path) -> None:
    rgb_folder(tmp_path, 30)
    result = run("imagenet", tmp_path)
    assert result.exit_code == 1
    assert "its std is the mean of the stds of single samples" in " ".join(result.output.split())
    document = json.loads(run("imagenet", tmp_path, "--json").stdout)
    measured = json.loads(run(tmp_path, "--json", command="measure").stdout)["channels"][0]
    assert document["target"]["channels"][0]["std"] == measured["mean_of_sample_std"] != measured["std"]
    two = run("imagenet", "imagenet-pooled")
    assert two.exit_code == 1
    assert "the stds are of two definitions and cannot be compared as data" in " ".join(two.output.split())


def test_a_prefix_means_the_catalog_even_where_a_folder_has_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rgb_folder(tmp_path / "mnist", 12)
    assert "12 images" in run("mnist", "mnist").output
    assert "catalog entry 'mnist'" in run("catalog:mnist", "mnist", "--channels", "grey").output


def test_two_constants_are_held_to_their_rounding() -> None:
    assert run("cifar10", "cifar10").exit_code == 0
    differing = run("cifar10", "cifar10-test")
    assert differing.exit_code == 1
    assert "published constants state no sampling error" in " ".join(differing.output.split())


def test_columns_are_paired_by_name(tmp_path: Path) -> None:
    table = np.random.default_rng(0).normal((0.0, 50.0), (1.0, 9.0), (200, 2))
    np.savetxt(tmp_path / "a.csv", table, delimiter=",", header="depth,heat", comments="")
    np.savetxt(tmp_path / "b.csv", table[:, ::-1], delimiter=",", header="heat,depth", comments="")
    assert run(tmp_path / "a.csv", tmp_path / "b.csv").exit_code == 0


def test_more_than_four_channels_are_counted_rather_than_drawn(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(0, 1, (50, 7)))
    assert "3 more channels: --html FILE draws them all." in run(tmp_path / "x.npy", tmp_path / "x.npy").output


def test_statistics_without_histograms_are_drawn_from_quantiles(sensors: tuple[Path, Path, Path], tmp_path: Path) -> None:
    document = json.loads(run(sensors[0], "--json", command="measure").stdout)
    for channel in document["channels"]:
        del channel["histogram"]
    (tmp_path / "old.json").write_text(json.dumps(document))
    result = run(tmp_path / "old.json", sensors[1])
    assert result.exit_code == 0
    assert "Drawn coarsely from quantiles" in result.output


def test_what_was_skipped_is_listed(tmp_path: Path) -> None:
    rgb_folder(tmp_path / "a", 4)
    rgb_folder(tmp_path / "b", 4)
    (tmp_path / "b" / "a" / "bad.jpg").write_bytes(b"")
    result = run(tmp_path / "a", tmp_path / "b", "--max-skipped", "0.5")
    assert "the file is empty" in result.output
    assert isinstance(run(tmp_path / "a", tmp_path / "b").exception, TareError)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("cifr10", r"expected a file, a folder, or a name in the catalog, found 'cifr10'; did you mean cifar10"),
        ("zzz", r"expected a file, a folder, or a name in the catalog, found 'zzz'; the catalog has aimv2, .*usps"),
        ("catalog:cifar", r"found 'catalog:cifar'; did you mean cifar10"),
        (
            "inception",
            r"expected a constant that describes data, found 'inception', a convention .*; name one of imagenet, imagenet-pooled",
        ),
        ("{root}/nothing", r"nothing' does not exist; check the path"),
        ("{root}/odd.json", r"expected a JSON object with schema 'tare\.stats/2', found None"),
        ("{root}/broken.json", r"expected a readable statistics file, found .*broken\.json"),
        ("{root}/ab.csv", r"expected the same columns in both, found 'a', 'b', 'x', 'y' in one of .*; choose the columns"),
        ("{root}/abc.csv", r"expected the same columns in both"),
        ("{root}/nan.csv", r"expected a mean and std in every channel, found 1 NaN and 0 infinite .* 'x' of .*--exclude-nan"),
        ("{root}/constant.csv", r"expected a std above zero in every channel, found 0 in channel 'y'"),
        ("mnist", r"expected two datasets with the same number of channels, found 1 in .* and 2 in .*; choose the columns"),
    ],
)
def test_what_cannot_be_compared_is_one_line(tmp_path: Path, source: str, message: str) -> None:
    (tmp_path / "odd.json").write_text('{"a": 1}')
    (tmp_path / "broken.json").write_text("{")
    for name, text in {
        "xy": "x,y\n1,2\n3,5\n4,4\n",
        "ab": "a,b\n1,2\n3,5\n",
        "abc": "a,b,z\n1,2,3\n4,5,7\n",
        "nan": "x,y\n,2\n1,3\n",
        "constant": "x,y\n1,2\n3,2\n",
    }.items():
        (tmp_path / f"{name}.csv").write_text(text)
    result = run(source.format(root=tmp_path), tmp_path / "xy.csv")
    assert isinstance(result.exception, TareError)
    with pytest.raises(TareError, match=message):
        raise result.exception
    assert "\n" not in str(result.exception)


def test_grey_and_colour_are_told_to_convert_and_then_compare(tmp_path: Path) -> None:
    rgb_folder(tmp_path / "colour", 6)
    for index in range(6):
        save_png(tmp_path / "grey" / f"{index}.png", np.random.default_rng(index).integers(0, 256, (6, 6), dtype=np.uint8))
    refused = run(tmp_path / "colour", tmp_path / "grey")
    assert "convert one with --channels rgb or --channels grey" in str(refused.exception)
    assert run(tmp_path / "colour", tmp_path / "grey", "--channels", "grey").exit_code in (0, 1)


def test_the_help_has_an_example_and_the_exit_codes() -> None:
    text = " ".join(run("--help").output.split())
    assert "Example: tare compare" in text
    assert "Exit code 0" in text


def test_the_function_takes_arrays_and_says_the_same() -> None:
    import tare

    rng = np.random.default_rng(0)
    first, second = rng.normal(0, 1, (300, 2)), rng.normal(3, 1, (300, 2))
    found = tare.compare(first, second)
    assert [channel.shift.estimate for channel in found.channels] == pytest.approx(
        ((second.mean(0) - first.mean(0)) / first.std(0)).tolist()
    )
    assert not found.clean
    assert tare.compare(found.source, found.source).clean


def test_options_of_measuring_reach_the_data(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        rows = [f"{x},{y},{'' if i % 50 == 0 else z}" for i, (x, y, z) in enumerate(rng.normal(0, 1, (500, 3)))]
        (tmp_path / f"{name}.csv").write_text("\n".join(["x,y,z", *rows]) + "\n")
    a, b, page = tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "page.html"
    assert isinstance(run(a, b).exception, TareError)  # z holds missing values, hence has no mean
    two = json.loads(run(a, b, "--columns", "x,y", "--json").stdout)
    assert [channel["name"] for channel in two["channels"]] == ["x", "y"]
    three = json.loads(run(a, b, "--exclude-nan", "--json", "--html", page).stdout)
    assert [channel["name"] for channel in three["channels"]] == ["x", "y", "z"]
    assert f"tare compare {a} {b} --exclude-nan --json --html {page}" in page.read_text(encoding="utf-8").replace(" \\\n  ", " ")


def test_images_are_compared_as_a_network_sees_them(tmp_path: Path) -> None:
    rgb_folder(tmp_path / "photos", 12)
    document = json.loads(run(tmp_path / "photos", tmp_path / "photos", "--as-seen", "4", "--json").stdout)
    assert document["source"]["as_seen"]["size"] == [4, 4]
    assert document["source"]["channels"][0]["count"] == 12 * 16


def test_saying_how_to_measure_what_is_stated_is_refused() -> None:
    error = run("cifar10", "cifar100", "--columns", "a", "--exclude-nan").exception
    assert str(error) == (
        "expected data to measure with --columns, --exclude-nan, found two sides that state their figures; leave it out"
    )


def test_each_channel_has_a_verdict_of_its_own(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    level, contrast = rng.uniform(0.3, 0.6, (1800, 1, 1, 2)), rng.uniform(0.05, 0.12, (1800, 1, 1, 2))
    images = np.clip(level + contrast * rng.standard_normal((1800, 8, 8, 2)), 0, 1)
    first, second = tmp_path / "first.npy", tmp_path / "second.npy"
    np.save(first, np.rint(images[::2] * 255).astype(np.uint8))
    np.save(second, np.rint(images[1::2] * [1.0, 0.5] * 255).astype(np.uint8))
    document = json.loads(run(first, second, "--json").stdout)
    assert [channel["kind"] for channel in document["channels"]] == ["no difference shown", "gain"]
    assert "Each channel alone: no difference shown (c0), gain (c1)." in " ".join(run(first, second).output.split())
