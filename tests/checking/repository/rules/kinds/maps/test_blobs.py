"""Means that do not fit the values of ``blobFromImage``, whose order OpenCV itself shows, and those that do."""

# ruff: noqa: E501 (a program a line)

from __future__ import annotations

import numpy as np
import pytest

from tests.checking.repository.rules.kinds.maps.programs import codes

BLOB = "b = cv2.dnn.blobFromImage("
RGB, BGR = "(123.68, 116.779, 103.939)", "(103.939, 116.779, 123.68)"
UNIT = "(0.485, 0.456, 0.406)"

WRONG = {
    "a mean of 0..1": ("TARE016", f"{BLOB}cv2.imread(p), 1 / 255.0, (224, 224), {UNIT}, swapRB=True)"),
    "a mean of 0..1 by name": ("TARE016", f"{BLOB}cv2.imread(p), scalefactor=1.0, size=(224, 224), mean=MEAN, swapRB=True)"),
    "of an image from elsewhere": (
        "TARE016",
        "def run(frame):\n    return cv2.dnn.blobFromImage(frame, 0.00392, (224, 224), M, True)",
    ),
    "of a camera": (
        "TARE016",
        f"cap = cv2.VideoCapture(0)\nwhile True:\n    ok, frame = cap.read()\n    {BLOB}frame, 1 / (255 * 0.226), (224, 224), {UNIT}, True)",
    ),
    "of several images": (
        "TARE016",
        f"b = cv2.dnn.blobFromImages([cv2.imread(p) for p in paths], 1 / 255, (224, 224), {UNIT}, True)",
    ),
    "red first on blue first": ("TARE008", f"{BLOB}cv2.imread(p), 1.0, (224, 224), {RGB})"),
    "red first on blue first, as ImageNet's": (
        "TARE008",
        f"{BLOB}cv2.imread(p), 1 / 255, (224, 224), (0.485 * 255, 0.456 * 255, 0.406 * 255), swapRB=False)",
    ),
    "blue first on red first": ("TARE015", f"{BLOB}cv2.imread(p), 1.0, (224, 224), {BGR}, swapRB=True)"),
    "divided twice": ("TARE002", f"x = cv2.imread(p) / 255.0\n{BLOB}x, 1 / 255.0, (224, 224), swapRB=True)"),
    "a mean of 0..255": ("TARE016", f"x = cv2.imread(p).astype(np.float32) / 255\n{BLOB}x, 1.0, (224, 224), {RGB}, True)"),
}
RIGHT = {
    "no mean": f"{BLOB}cv2.imread(p), 1 / 255.0, (416, 416), swapRB=True, crop=False)",
    "a mean of zeros": f"{BLOB}cv2.imread(p), 1 / 255, (416, 416), (0, 0, 0), True)",
    "ImageNet's mean": f"{BLOB}cv2.imread(p), 1 / 255.0, (224, 224), (0.485 * 255, 0.456 * 255, 0.406 * 255), swapRB=True)",
    "an image of 0..1": f"x = cv2.imread(p) / 255.0\n{BLOB}x, 1 / 0.226, (224, 224), {UNIT}, swapRB=True)",
    "an image of whatever values": f"def run(x):\n    return cv2.dnn.blobFromImage(x, 1.0, (224, 224), {UNIT}, True)",
    "Caffe's mean": f"{BLOB}cv2.imread(p), 1.0, (224, 224), (104, 117, 123))",
    "Caffe's mean with digits": f"{BLOB}cv2.imread(p), mean=[103.939, 116.779, 123.680])",
    "EAST's mean": f"{BLOB}cv2.imread(p), 1.0, (320, 320), {RGB}, swapRB=True, crop=False)",
    "a mean of faces": f"{BLOB}cv2.imread(p), 1.0, (300, 300), (104.0, 177.0, 123.0))",
    "one number": f"{BLOB}cv2.imread(p), 0.007843, (300, 300), 127.5)\nb = cv2.dnn.blobFromImage(cv2.imread(p), 1 / 127.5, (9, 9), (127.5,) * 3, True)",
    "turned round before": f"x = cv2.cvtColor(cv2.imread(p), cv2.COLOR_BGR2RGB)\n{BLOB}x, 1.0, (224, 224), {RGB})\n{BLOB}cv2.imread(p)[..., ::-1], 1.0, (224, 224), {RGB})",
    "turned round or not": f"def run(p, swap):\n    return cv2.dnn.blobFromImage(cv2.imread(p), 1.0, (224, 224), {RGB}, swap)",
    "arguments from elsewhere": f"{BLOB}cv2.imread(p), *options)",
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit(case: str) -> None:
    code, text = WRONG[case]
    assert codes(text) == [code]


@pytest.mark.parametrize("case", RIGHT)
def test_what_fits(case: str) -> None:
    assert codes(RIGHT[case]) == []


def test_opencv_takes_the_mean_in_the_order_after_the_exchange_and_before_the_factor() -> None:
    cv2 = pytest.importorskip("cv2")
    image = np.full((1, 1, 3), (10, 20, 30), np.uint8)
    assert cv2.dnn.blobFromImage(image, 0.5, (1, 1), (1, 2, 3)).ravel().tolist() == [4.5, 9.0, 13.5]
    assert cv2.dnn.blobFromImage(image, 1.0, (1, 1), (1, 2, 3), swapRB=True).ravel().tolist() == [29.0, 18.0, 7.0]
