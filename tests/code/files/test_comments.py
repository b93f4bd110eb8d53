from __future__ import annotations

from tare.code.files.comments import ignores_of_configuration, ignores_of_python
from tare.code.files.document import Document

CODE = '''\
x = 1  # tare: ignore[TARE005, tare006]
y = "# tare: ignore"
z = """
# tare: ignore
"""  # tare:ignore
a = 2  # see above  # tare: ignore[TARE001]  # tare: ignore[TARE002]
b = 3  # tare: ignored, tare: ignore-me
c = 4  # tare: ignore[]
'''


def test_comments_leave_out_codes_and_strings_do_not() -> None:
    assert ignores_of_python(CODE) == {
        1: {"TARE005", "TARE006"},
        5: frozenset(),
        6: {"TARE001", "TARE002"},
    }


def test_a_comment_without_codes_outdoes_one_with_codes() -> None:
    for text in ("x = 1  # tare: ignore  # tare: ignore[TARE001]", "x = 1  # tare: ignore[TARE001]  # tare: ignore"):
        assert ignores_of_python(text) == {1: frozenset()}


def test_a_whole_file_is_left_out() -> None:
    document = Document("a.py", "python", "", ignores=ignores_of_python("x = 1\n\n# tare: ignore-file\n"))
    assert document.leaves_out("TARE001")
    some = Document("a.py", "python", "", ignores=ignores_of_python("# tare: ignore-file[TARE002]\n# tare: ignore[TARE003]"))
    assert some.leaves_out("TARE002", 7)
    assert some.leaves_out("TARE003", 1, 2)
    assert not some.leaves_out("TARE003", 1)


def test_broken_code_keeps_the_comments_before_the_break() -> None:
    assert ignores_of_python("x = 1  # tare: ignore\ny = '''\n# tare: ignore\n") == {1: frozenset()}


def test_comments_of_yaml_stand_outside_its_scalars() -> None:
    text = """\
mean: [0.5]  # tare: ignore[TARE005]
a: "x # tare: ignore"
b: |
  # tare: ignore
  text
c: x#tare:ignore
# tare: ignore
"""
    assert ignores_of_configuration(text, ".yaml") == {1: {"TARE005"}, 7: frozenset()}


def test_comments_of_large_files_are_found_in_no_time_or_not_at_all() -> None:
    marks = "# tare: ignore[TARE001]\n"
    assert len(ignores_of_configuration("a: 1\n" + "#\n" * 200_000 + marks, ".yaml")) == 1
    assert ignores_of_python("x = 1\n" * 400_000 + marks) == {}
    assert ignores_of_python("# tare: ignore[" * 100_000) == {}
    assert ignores_of_configuration(f"{marks}x = " + '\\"' * 500_000, ".toml") == {1: {"TARE001"}}
    assert ignores_of_configuration(f"{marks}x = " + '\\"""' * 300_000, ".toml") == {1: {"TARE001"}}


def test_comments_of_toml_stand_outside_its_strings() -> None:
    text = "a = 1 # tare: ignore\nb = '# tare: ignore'\nc = '''\n# tare: ignore\n'''\nd = \"\\\"# tare: ignore\"\n"
    assert ignores_of_configuration(text, ".toml") == {1: frozenset()}
    assert ignores_of_configuration('{"a": "# tare: ignore"}', ".json") == {}
