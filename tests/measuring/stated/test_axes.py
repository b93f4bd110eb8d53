"""What samples state of their axes, and how two sides of it are compared."""

from __future__ import annotations

from tare.measuring.stated.axes import axes_differ, axes_in, several_axes, untrained_axes

SIZE = "nothing is resampled, so the same structure has another size"
LENGTH = "nothing is resampled, so the same sound has another length"


def spacings(*words: str) -> dict[str, dict[str, str]]:
    return axes_in(((("spacing", each), ("units", "HU")), f"{place}.nii") for place, each in enumerate(words))


def test_spacings_differ_where_both_sides_know_them() -> None:
    (told,) = axes_differ(spacings("1 x 1 x 1 mm"), spacings("1 x 1 x 2 mm"))
    assert told == f"spacings differ: 1 x 1 x 1 mm in the source, 1 x 1 x 2 mm in the target; {SIZE}"
    many = axes_differ(spacings("1 mm"), spacings(*(f"{size} mm" for size in range(9, 14))))
    assert many == (f"spacings differ: 1 mm in the source, 9 mm, 10 mm, 11 mm and 2 more in the target; {SIZE}",)
    assert axes_differ(spacings("1 mm", "2 mm"), spacings("2 mm", "1 mm")) == ()
    assert axes_differ(spacings("1 mm"), spacings("1 unknown units")) == ()
    assert axes_differ(spacings("1 unknown units"), spacings("2 mm"))
    assert axes_differ(spacings("1 mm"), spacings("unstated")) == axes_differ({}, spacings("1 mm")) == ()


def test_samples_are_untrained_where_none_of_training_states_the_same() -> None:
    trained = spacings("1 mm", "2 mm")
    assert untrained_axes(trained, spacings("2 mm")) == untrained_axes(trained, {}) == untrained_axes({}, trained) == ()
    (told,) = untrained_axes(trained, spacings("1 mm", "3 mm", "4 mm", "3 mm"))
    assert told == f"spacings differ: 1 mm, 2 mm in training, 3 mm, 4 mm in the data, such as '1.nii'; {SIZE}"
    slow, fast = (axes_in([((("sampling rate", f"{rate} Hz"),), "")]) for rate in (8000, 16000))
    assert untrained_axes(slow, fast) == (f"sampling rates differ: 8000 Hz in training, 16000 Hz in the data; {LENGTH}",)


def test_several_spacings_of_training_are_told_in_the_order_of_numbers() -> None:
    assert several_axes(spacings("1 mm")) == several_axes(spacings("1 mm", "1 unknown units")) == several_axes({}) == ()
    (told,) = several_axes(spacings("10 mm", "2 mm", "9 mm"))
    assert told == f"3 spacings in the samples, such as 2 mm and 10 mm: {SIZE} in each"
