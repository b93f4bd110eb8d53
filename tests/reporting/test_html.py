from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import polars as pl

from tare.reporting import html

EVIL = '</script><script>alert("x")</script><img src=x onerror=alert(1)>'


def test_everything_from_outside_is_escaped() -> None:
    made = [
        html.paragraph(EVIL),
        html.heading(EVIL),
        html.table(EVIL, [EVIL], [[EVIL]]),
        html.panels([EVIL], EVIL),
        html.image(np.zeros((2, 2)), 0.0, 1.0, EVIL),
        html.code(EVIL),
    ]
    for piece in (*made, html.page(EVIL, made)):
        assert "<script>alert" not in piece
        assert "<img src=x" not in piece


def test_data_in_a_chart_cannot_end_the_script() -> None:
    layer: Any = alt.Chart(pl.DataFrame({"name": [EVIL]})).mark_point().encode(x="name:N")
    chart = alt.LayerChart(layer=[layer])
    page = html.page("title", [html.panels(["chart"], "")], {"chart": chart})
    assert "</script><script>alert" not in page
    assert page.count("</script>") == 1


def test_a_picture_maps_low_to_black_and_high_to_white() -> None:
    import base64
    import io
    import re

    from PIL import Image

    figure = html.image(np.array([[-1.0, 0.0, 1.0, 9.0]]), -1.0, 1.0, "x")
    data = re.search(r"base64,([^\"]+)", figure)
    assert data is not None
    assert np.asarray(Image.open(io.BytesIO(base64.b64decode(data[1])))).tolist() == [[0, 127, 255, 255]]


def test_marks_that_turn_text_are_shown_everywhere_on_a_page() -> None:
    name = "a\u202eb\x1b"
    chart = {"data": {"values": [{name: name}]}, "mark": "bar"}
    made = html.page(name, [html.paragraph(name), html.table(name, [name], [[name]]), html.code(name)], {"chart": chart})
    written = made[: made.index("<script")] + made[made.index("const specs = ") :].partition("\n")[0]
    assert "\u202e" not in written
    assert "\x1b" not in written
    assert "\\u202e" in written.replace("\\\\", "\\")
    assert r"\u202e" not in written.replace(r"\\u202e", "").partition("const specs")[2]
