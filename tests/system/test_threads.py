"""A thread that ends before it begins is an error, never a wait without end."""

from __future__ import annotations

import threading

import pytest

from tare.system import threads


def test_a_thread_that_never_begins_is_an_error_and_others_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "start", threading.Thread.start)  # put back at the end
    monkeypatch.setattr(threads, "_SECONDS", 0.05)
    threads.notice_lost_threads()
    done: list[int] = []
    alive = threading.Thread(target=done.append, args=(1,))
    alive.start()
    alive.join()
    assert done == [1]
    assert not alive.is_alive()
    with pytest.raises(RuntimeError, match="once"):
        alive.start()
    with monkeypatch.context() as lost:
        lost.setattr(threading, "_start_new_thread", lambda *_: None)  # the system gave it; it had no memory for its first call
        with pytest.raises(MemoryError, match="did not begin"):
            threading.Thread(target=done.append, args=(2,)).start()
    assert done == [1]
