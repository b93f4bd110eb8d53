"""Values that double line by line take neither all memory nor for ever."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tare.checking.repository.api import examined
from tare.code.files.document import Document

LINES = 60
DOUBLED = {
    "a text in a text": ("'x'", 'S = f"{S}{S}"'),
    "a text replaced": ("'x'", "S = S.replace('x', 'xx')"),
    "a text replaced where nothing stands": ("'x'", "S = S.replace('', 'x')"),
    "a list": ("[0.485, 0.456]", "S = [*S, *S]"),
    "a tuple": ("(0.485, 0.456)", "S = (*S, *S)"),
    "a set": ("{0.485, 0.456}", "S = {*S, *S}"),
    "a function": ("[0.485, 0.456]", "S = double(S, S)"),
    "a sum": ("[0.485, 0.456]", "S = S + S"),
    "a text by parts": ("'x'", "S = (S + ',' + S).split(',')[0] + S"),
    "a dictionary": ("{'a': 1}", "S = {**S, 'a': S, 'b': S}"),
}
HEAD = "from torchvision import transforms as T\ndef double(a, b):\n    return [*a, *b]\n"
NORMALIZE = "t = T.Compose([T.ToTensor(), T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.255])])\n"


@pytest.mark.parametrize("case", DOUBLED)
def test_what_doubles_is_unknown_at_some_size(case: str, tmp_path: Path) -> None:
    first, line = DOUBLED[case]
    text = f"{HEAD}S = {first}\n" + f"{line}\n" * LINES + f"M = S\nT.Normalize(M, S)\n{NORMALIZE}"
    (tmp_path / "main.py").write_text(text)
    limits = "import resource; resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30)); "
    check = "import sys, tare; print([each.code for each in tare.check_code([sys.argv[1]], cache=False).findings])"
    done = subprocess.run(  # noqa: S603 (our own text)
        [sys.executable, "-c", limits + check, str(tmp_path / "main.py")], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("['TARE100']", "")


def test_short_texts_and_lists_are_still_followed() -> None:
    text = (
        f"{HEAD}name = 'resnet'\nkind = f'{{name}}50'.replace('50', '18')\nM = [*[0.485, 0.456], 0.406]\n"
        "import timm\nnet = timm.create_model(f'{kind}', pretrained=True)\nt = T.Compose([T.ToTensor(), T.Normalize(M, M)])\n"
    )
    assert "TARE007" in [each.code for each in examined([Document("main.py", "python", text)])]
    assert (
        "resnet18"
        in examined([Document("main.py", "python", text.replace("T.Normalize(M, M)", "T.Normalize([0.5] * 3, [0.5] * 3)"))])[
            0
        ].message
    )


def test_a_number_of_thousands_of_digits_in_a_text_is_unknown() -> None:
    assert examined([Document("main.py", "python", f"{HEAD}a = f'{{0x{'f' * 9000}}}'\n")]) == []
