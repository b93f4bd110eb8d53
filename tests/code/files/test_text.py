from __future__ import annotations

import tokenize
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tare.code.files.text import UnreadableTextError, in_one_line, python_text


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff")), st.sampled_from(["\n", "\r\n", "\r"]))
def test_text_is_what_python_reads(text: str, end: str) -> None:
    text = text.replace("\r", "").replace("\n", end)
    data = text.encode()
    try:
        encoding, _ = tokenize.detect_encoding(iter([data[: data.find(b"\n") + 1 or len(data)], data]).__next__)
    except SyntaxError:
        return
    if encoding == "utf-8":
        assert python_text(data) == text.replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "cp1252", "euc-jp", "koi8-r"])
def test_a_declared_encoding_is_heeded(tmp_path: Path, encoding: str) -> None:
    word = {"euc-jp": "平均", "koi8-r": "среднее"}.get(encoding, "Größe")
    path = tmp_path / "a.py"
    path.write_bytes(f"#!/usr/bin/env python\n# -*- coding: {encoding} -*-\nNAME = '{word}'\n".encode(encoding))
    with tokenize.open(path) as file:
        assert python_text(path.read_bytes()) == file.read()


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert python_text(b"\xef\xbb\xbfx = 1\r\n") == "x = 1\n"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"a = 1\nb = 2\nc = '\xe9'\n", "it is not utf-8: byte 0xe9 in line 3"),
        (b"# coding: klingon\n", "its encoding: unknown encoding: klingon"),
        (b"# coding: rot13\n", "its encoding: 'rot13' is not a text encoding"),
        (b"# coding: punycode\n" + b"a" * 100, "its encoding: punycode is none for a file"),
        (b"\xef\xbb\xbf# coding: latin-1\n", "its encoding: encoding problem"),
        (b"x = 1\0\n", "it has NUL bytes: it is binary"),
        (b"\x6f\x0d\x0d\x0a\0\0\0\0\xe3\0\0", "is"),
        (b"\xff\xfex\0=\0", "is"),
    ],
)
def test_what_is_no_text_says_why(data: bytes, why: str) -> None:
    with pytest.raises(UnreadableTextError) as caught:
        python_text(data)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_words_stand_in_one_line_in_their_order() -> None:
    assert in_one_line("x\nstd_a = b - mean", "std", "=", "-", "mean")
    assert in_one_line("std\nstd =", "std", "=")
    assert not in_one_line("std\n= std", "std", "=")
    assert not in_one_line("= std", "std", "=")
    assert not in_one_line("stan", "std", "=")
