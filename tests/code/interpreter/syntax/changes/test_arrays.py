"""Arrays that are changed in place are changed for all who hold them."""

from __future__ import annotations

import numpy as np
import pytest

from tare.code.interpreter.values import UNKNOWN, Call, Value
from tests.code.interpreted import calls, shown

PROGRAMS = {
    "plus": ("b = a\nb += 1", True),
    "a new sum": ("b = a\nb = b + 1", True),
    "out": ("np.divide(a, 2, out=a)", False),
    "the third argument": ("np.divide(a, 2, a)", False),
    "copyto": ("np.copyto(a, [5., 6.])", False),
    "an item": ("b = a\nb[0] = 7.", True),
    "asarray": ("b = np.asarray(a)\nb += 1", True),
}


@pytest.mark.parametrize("way", PROGRAMS)
def test_constants_in_an_array_are_those_of_numpy_or_unknown(way: str) -> None:
    change, is_told = PROGRAMS[way]
    names: dict[str, object] = {"np": np, "a": np.array([1.0, 2.0])}
    exec(change, names)  # noqa: S102 (what NumPy itself makes of it)
    wanted = tuple(names["a"].tolist())  # type: ignore[attr-defined]
    (found,) = shown(a=f"import lib\nimport numpy as np\na = np.array([1., 2.])\n{change}\nlib.show(a)")
    assert found == (wanted if is_told else "?")


def given(code: str) -> Value:
    """What ``net`` is given."""
    (call,) = calls("lib.net", a=f"import lib, cv2\nM = 0.5\nimg = cv2.imread('a.png')\n{code}\nlib.net(img)")
    return call.args[0]


CHANGES = ["b = img\nb -= M", "img.sub_(M)", "b = img\nb.sub_(M)", "cv2.cvtColor(img, 4, img)", "cv2.cvtColor(img, 4, dst=img)"]


@pytest.mark.parametrize("change", [*CHANGES, "b = img[0]\nb -= M", "def f(x): x.sub_(M)\nf(img)", "img.data = img / 2"])
def test_an_image_that_is_changed_is_no_image_as_it_was_read(change: str) -> None:
    found = given(change)
    assert found is UNKNOWN or (isinstance(found, Call) and found.function != "cv2.imread"), change


@pytest.mark.parametrize("change", ["b = img - M", "b = img.sub(M)", "b = img.copy()\nb -= M", "img.requires_grad_(False)"])
def test_an_image_that_is_left_as_it_is_stays(change: str) -> None:
    found = given(change)
    assert isinstance(found, Call)
    assert found.function == "cv2.imread", change


def test_a_view_of_what_was_changed_since_is_unknown() -> None:
    (call,) = calls("lib.net", a="import lib, cv2\nimg = cv2.imread('a')\nv = img[0]\nimg -= 3\nlib.net(v)")
    assert call.args[0] is UNKNOWN
