from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

MAIN = "from tare.cli.start import main\ndef run():\n    {body}\nmain(run)"
TABLE = r"from tare.reporting import console; console.out.print(console.table(('name', 'se'), [('a\u2026', '1 \xb1 2')]))"


def program(body: str, stdout: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A program whose work is ``body``, under a shell's redirection."""
    command = f'"$0" -c "$1" {stdout}'
    words = ["bash", "-c", command, sys.executable, MAIN.format(body=body)]
    known = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    return subprocess.run(words, capture_output=True, env={**known, **environment}, check=False)  # noqa: S603


@pytest.mark.parametrize("body", ["print('x')", "print('x' * 100000)", "import sys; sys.stdout.buffer.write(b'x')", TABLE])
@pytest.mark.parametrize(("where", "found"), [(">/dev/full", b"No space left on device"), (">&-", b"Bad file descriptor")])
def test_output_that_is_lost_is_one_line_and_exit_code_two(body: str, where: str, found: bytes) -> None:
    done = program(body, where)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert b"expected a standard output that can be written, found " + found in done.stderr


def test_findings_that_nobody_can_read_are_a_failure_too() -> None:
    assert program("print('x'); raise SystemExit(1)", ">/dev/full").returncode == 2
    assert program("print('x'); raise SystemExit(1)").returncode == 1


@pytest.mark.parametrize("body", [r"print('x\n' * 1000000)", "[print('x', flush=True) for _ in range(100000)]"])
def test_a_reader_that_went_away_ends_the_program_quietly(body: str) -> None:
    done = program(body, "| head -n 1; echo ${PIPESTATUS[0]}")
    assert done.stdout == b"x\n141\n"
    assert done.stderr == b""


@pytest.mark.parametrize("where", ["2>&-", "2>/dev/full"])
def test_without_standard_error_the_exit_code_tells(where: str) -> None:
    failing = "from tare.errors import DataError; raise DataError('a', 'b', 'c')"
    assert program(failing, where).returncode == 2
    noisy = "import sys; print('x', file=sys.stderr, flush=True); print('y')"
    done = program(noisy, where)
    assert (done.returncode, done.stdout) == (0, b"y\n")


def test_a_closed_stream_does_not_give_its_number_to_a_file(tmp_path: Path) -> None:
    body = f"import os; f = open({str(tmp_path / 'file')!r}, 'w'); os.write(2, b'lost'); f.write(str(f.fileno()))"
    assert program(body, ">&- 2>&- <&-").returncode == 0
    assert int((tmp_path / "file").read_text()) > 2


@pytest.mark.parametrize(
    "environment",
    [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "latin-1"}],
    ids=str,
)
def test_what_a_terminal_cannot_show_is_replaced(environment: dict[str, str]) -> None:
    done = program(TABLE + "; print('caf\\xe9 \\u6f22')", PYTHONUTF8="0", **environment)
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    assert b"a..." in done.stdout
    assert b"\\u6f22" in done.stdout
    assert done.stdout.isascii() == ("latin-1" not in environment.values())


@pytest.mark.parametrize("columns", ["0", "1", "-3", "x", "", "\u00b2", "99999999999999999999", "1000000"])
def test_a_width_that_cannot_be_does_not_hide_a_table(columns: str) -> None:
    done = program(TABLE, COLUMNS=columns, LINES=columns, TERMINAL_WIDTH=columns)
    assert done.returncode == 0, done.stderr
    assert "a…" in done.stdout.decode()
    assert len(done.stdout) < 10_000


def test_in_a_folder_that_was_removed_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    words = ["bash", "-c", f'cd {tmp_path}/gone && rmdir ../gone && "$0" -m tare measure /tmp', sys.executable]
    done = subprocess.run(words, capture_output=True, check=False)  # noqa: S603
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert b"expected a working directory, found No such file or directory" in done.stderr


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("raise MemoryError", b"error: expected enough memory, found none left"),
        ("raise RuntimeError('could not create a primitive')", b"error: expected enough memory, found could not create"),
        ("open('/nowhere/x')", b"found No such file or directory for '/nowhere/x'"),
        ("raise OSError(24, 'Too many open files')", b"found Too many open files"),
    ],
)
def test_what_the_system_lacks_is_one_line(body: str, found: bytes) -> None:
    done = program(body)
    assert done.returncode == 2
    assert found in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_failure_that_nobody_expected_is_no_finding_and_its_traceback_is_harmless() -> None:
    done = program("raise ValueError('a\\x1b[31mb')")
    assert done.returncode == 2
    assert b"ValueError: a\\x1b[31mb" in done.stderr
    assert b"\x1b" not in done.stderr


def test_on_a_terminal_of_one_column_a_table_is_readable() -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp("bash", ["bash", "-c", 'stty cols 1; "$0" -c "$1"', sys.executable, MAIN.format(body=TABLE)])  # noqa: S606, S607
    shown = b""
    try:
        while part := os.read(terminal, 4096):
            shown += part
    except OSError:  # the end, on Linux
        pass
    os.waitpid(pid, 0)
    assert "1 ± 2" in shown.decode()


def test_what_code_of_others_prints_is_no_output_of_the_program() -> None:
    body = (
        "import sys; from tare.reporting import console; from tare.system.terminal.streams import others_aside\n"
        "    with others_aside():\n"
        "        print('theirs'); sys.stdout.buffer.write(b'bytes\\n'); console.write('ours'); console.out.print('rich')\n"
        "        sys.stdout.close(); print('still', sys.stdout.encoding); sys.stdout = None; console.write('last')\n"
        "    print('behind')"
    )
    done = program(body)
    assert (done.returncode, done.stdout) == (0, b"ours\nrich\nlast\nbehind\n")
    assert done.stderr.split() == [b"theirs", b"bytes", b"still", b"utf-8"]


def test_what_is_no_exception_is_one_line_and_no_finding() -> None:
    done = program("raise type('Own', (BaseException,), {})('of mine')")
    assert done.returncode == 2
    assert done.stderr.decode().splitlines() == [
        "error: expected code that is run to come to its end, or to raise an Exception, found Own: of mine; repair that code"
    ]
