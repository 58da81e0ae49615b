"""At SIGTERM we hear of it first, and the server still does."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from app.core.draining import on_termination

pytestmark = pytest.mark.unit


def test_the_former_handler_still_runs_and_is_restored() -> None:
    heard: list[str] = []
    before = signal.signal(signal.SIGTERM, lambda _number, _frame: heard.append("server"))
    try:
        with on_termination(lambda: heard.append("we")):
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == ["we", "server", "server"]


def test_without_a_former_handler_the_process_ends_by_the_signal() -> None:
    script = (
        "import os, signal\n"
        "from app.core.draining import on_termination\n"
        "with on_termination(lambda: os.write(1, b'told')):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)  # noqa: S603  # ours
    assert (ended.stdout, ended.returncode) == (b"told", -signal.SIGTERM)


def test_outside_the_main_thread_nothing_is_installed() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def inside() -> None:
        with on_termination(lambda: None):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert seen == [before]
