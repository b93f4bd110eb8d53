from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tare.datasets.image_batches import evaluation_transform
from tare.errors import DataError, SpecError
from tare.networks.stored.trained import open_trained
from tare.predicting.answers import predictions
from tare.predicting.api import predict
from tare.predicting.inputs import AnswerOptions
from tare.predicting.result import Prediction
from tare.predicting.samples import inputs_of
from tests.images import save_png
from tests.tiny_run import CLASSES, save_photo, tiny_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tiny_run(tmp_path)


def photos(root: Path, count: int) -> list[str]:
    return [str(save_photo(root / "photos" / f"{i}.png", i, 36 + i, 60 - i)) for i in range(count)]


def test_the_answer_is_that_of_the_network_on_the_validation_transform(run: Path, tmp_path: Path) -> None:
    path = photos(tmp_path, 1)[0]
    model = open_trained(run).model
    raw = evaluation_transform(model.geometry)(Image.open(path))
    expected = model.logits(raw[None]).double().softmax(dim=1)[0]
    answer = predict(run, path, top=3)[0]
    assert answer.label == CLASSES[int(expected.argmax())]
    assert answer.probability == pytest.approx(float(expected.max()), abs=1e-9)
    assert [label for label, _ in answer.ranks] == [CLASSES[i] for i in expected.argsort(descending=True).tolist()]
    assert sum(value for _, value in answer.ranks) == pytest.approx(1.0)


def test_files_of_images_have_no_axes_to_state(run: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"arrays for --layout, .*, found .*0\.png'; leave it out"):
        predict(run, photos(tmp_path, 1), layout="NHWC")


@pytest.mark.parametrize(("batch_size", "workers"), [(1, 1), (3, 2), (7, 5), (64, 1)])
def test_batch_size_and_workers_change_nothing_but_rounding(run: Path, tmp_path: Path, batch_size: int, workers: int) -> None:
    paths = photos(tmp_path, 9)
    first = predict(run, paths, batch_size=2, workers=1)
    other = predict(run, paths, batch_size=batch_size, workers=workers)
    assert [answer.path for answer in other] == paths
    for mine, its in zip(first, other, strict=True):
        assert mine.label == its.label
        assert mine.probability == pytest.approx(its.probability, abs=1e-5)


def test_an_image_that_cannot_be_read_has_its_reason_and_the_others_their_answers(run: Path, tmp_path: Path) -> None:
    good = photos(tmp_path, 2)
    bad = [tmp_path / name for name in ("text.png", "cut.png", "empty.jpg")]
    bad[0].write_text("no image")
    bad[1].write_bytes(Path(good[0]).read_bytes()[:-40])
    bad[2].touch()
    answers = predict(run, [good[0], *map(str, bad), str(tmp_path / "absent.png"), "a\0b.png", good[1]], batch_size=3)
    assert [answer.error is None for answer in answers] == [True, False, False, False, False, False, True]
    assert answers[1] == Prediction(str(bad[0]), error=answers[1].error)
    reasons = " | ".join(answer.error or "" for answer in answers)
    for part in ("not an image", "damaged PNG", "the file is empty", "No such file or directory", "null byte"):
        assert part in reasons
    assert answers[0].label is not None
    assert answers[1].label is None


def test_deeper_and_grey_images_are_answered_whatever_stands_beside_them(run: Path, tmp_path: Path) -> None:
    deep = tmp_path / "deep.png"
    Image.fromarray(np.linspace(0, 65535, 40 * 40, dtype=np.uint16).reshape(40, 40)).save(deep)
    save_png(tmp_path / "grey.png", np.full((40, 50), 90, dtype=np.uint8))
    save_png(tmp_path / "line.png", np.full((1, 50, 3), 90, dtype=np.uint8))
    paths = [str(tmp_path / name) for name in ("deep.png", "grey.png", "line.png")]
    refused = predict(run, paths)
    assert refused[0].error == "uint16 values, and the network was trained on uint8 ones (TARE090)"
    assert [answer.error for answer in refused[1:]] == [None] * 2
    together = predict(run, paths, allow=["raw-kind"])
    assert [answer.error for answer in together] == [None] * 3
    assert together[1:] == refused[1:]
    for path, answer in zip(paths, together, strict=True):
        assert predict(run, path, allow=["TARE090"])[0].probability == pytest.approx(answer.probability, abs=1e-6)


def test_an_image_too_narrow_to_resize_is_an_error_of_its_own(run: Path, tmp_path: Path) -> None:
    save_png(tmp_path / "thread.png", np.zeros((1, 60000, 3), dtype=np.uint8))
    trained = open_trained(run)
    wide = replace(trained, model=replace(trained.model, takes=replace(trained.model.geometry, size=(160, 160))))
    answer = next(predictions(wide, inputs_of(wide, [str(tmp_path / "thread.png")]), AnswerOptions()))
    assert answer.error == "1 x 60000 pixels, which the network's resize makes 177 x 10,620,000"


def test_names_that_are_no_utf8_are_read(run: Path, tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff\xfe.png"
    save_photo(tmp_path / "plain.png", 1)
    (tmp_path / "plain.png").rename(os.fsdecode(name))
    answer = predict(run, [os.fsdecode(name)])[0]
    assert answer.error is None
    assert os.fsencode(answer.path) == name


def test_folders_and_patterns_are_expanded(run: Path, tmp_path: Path) -> None:
    photos(tmp_path, 3)
    assert len(predict(run, tmp_path / "photos")) == 3
    assert len(predict(run, [str(tmp_path / "photos" / "[01].png")])) == 2


def test_more_classes_than_there_are_means_all(run: Path, tmp_path: Path) -> None:
    assert len(predict(run, photos(tmp_path, 1), top=10)[0].ranks) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top": 0}, "--top above zero, found 0"),
        ({"batch_size": 0}, "--batch-size above zero, found 0"),
        ({"device": "quantum"}, "cuda:N, xpu, xpu:N or mps for --device, found 'quantum'"),
    ],
)
def test_options_that_cannot_be_are_refused(run: Path, tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        predict(run, photos(tmp_path, 1), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "given", [None, 3, np.zeros((2, 8, 8, 3), np.uint8), [np.zeros(3)], {"a.png": 1}, b"a.png", Image.new("RGB", (8, 8))]
)
def test_objects_that_are_no_paths_are_refused(run: Path, given: Any) -> None:
    with pytest.raises(DataError, match=r"the paths of samples, found an object of type .*write arrays and tables to a file"):
        predict(run, given)


def test_no_image_at_all_is_an_error(run: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="at least one image, found none"):
        predict(run, str(tmp_path / "empty"))


def test_an_image_of_nan_has_no_answer(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "nan.tif"
    Image.fromarray(np.full((40, 40), np.nan, dtype=np.float32)).save(path)
    assert "values are missing, NaN or infinite" in str(predict(run, str(path))[0].error)
    assert "values are missing, NaN or infinite" in str(predict(run, str(path), allow=["TARE090"])[0].error)


def test_progress_counts_images(run: Path, tmp_path: Path) -> None:
    counted: list[int] = []
    predict(run, photos(tmp_path, 5), progress=counted.append, batch_size=2)
    assert sum(counted) == 5
    assert torch.is_grad_enabled()


def test_the_images_of_an_array_are_answered_as_the_same_images_in_files(run: Path, tmp_path: Path) -> None:
    paths = [str(save_photo(tmp_path / "equal" / f"{i}.png", i)) for i in range(3)]
    images = np.stack([np.asarray(Image.open(path)) for path in paths])
    np.savez(tmp_path / "all.npz", x=images, y=np.arange(3))
    np.save(tmp_path / "x.npy", images)
    by_file = [answer.ranks for answer in predict(run, paths, top=3)]
    for word in (f"{tmp_path}/all.npz#x", f"{tmp_path}/x.npy"):
        answers = predict(run, word, top=3)
        assert [answer.path for answer in answers] == [f"{word}[{index}]" for index in range(3)]
        assert [answer.ranks for answer in answers] == by_file


def test_arrays_of_other_samples_are_answered_by_the_reason(run: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.zeros((4, 5)))
    np.save(tmp_path / "deep.npy", np.zeros((4, 40, 40, 3), np.uint16))
    np.save(tmp_path / "four.npy", np.zeros((4, 40, 40, 4), np.uint8))
    found = {name: predict(run, str(tmp_path / f"{name}.npy"))[0].error for name in ("rows", "deep", "four")}
    assert "a vector per sample" in str(found["rows"])
    assert "TARE090" in str(found["deep"])
    assert found["four"] == "4 channels, and the network takes 3"
    assert predict(run, str(tmp_path / "none.h5"))[0].error
