"""`./run`: everything on one machine, under one process that leaves nothing behind."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from app.local.account import LocalServerError, server_account
from app.local.data_directory import choose_data_directory, occupied, throw_away_directory
from app.local.ports import first_free, is_free
from app.local.process import Child
from app.local.stack import Stack, base_environment
from app.local.welcome import demo_welcome, welcome
from app.settings import Settings, SettingsError, load_settings

RESTARTABLE = {"serve", "worker"}
MAX_RESTARTS = 5
LOOK_EVERY_SECONDS = 0.2


class Stopped(Exception):  # noqa: N818  # not an error: Ctrl-C or SIGTERM
    """We were asked to stop."""


def main() -> int:
    arguments = _parse()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        settings = load_settings()
        with _data_directory(settings, demo=arguments.demo) as folder:
            _run(folder, settings, arguments)
    except Stopped:
        _say("stopped")
    except (LocalServerError, SettingsError) as error:
        sys.stderr.write(f"precis: {error}\n")
        return 1
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run", description="Start Precis on this machine.")
    parser.add_argument("--demo", action="store_true", help="throw-away data, a demo user, sample articles")
    parser.add_argument("--port", type=int, help="the API's port (default: 8000, or the next free one)")
    return parser.parse_args()


def _stop(_number: int, _frame: FrameType | None) -> None:
    # Once is enough: a second Ctrl-C must not interrupt the orderly stop.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


@contextmanager
def _data_directory(settings: Settings, *, demo: bool) -> Iterator[Path]:
    if demo:
        with throw_away_directory() as folder:
            yield folder
        return
    folder = choose_data_directory(settings.data_dir, server_account())
    if folder != settings.data_dir.resolve():
        _say(f"data are kept in {folder}: the servers' account cannot reach {settings.data_dir}")
    with occupied(folder):
        yield folder


def _run(folder: Path, settings: Settings, arguments: argparse.Namespace) -> None:
    port = _port(settings, arguments.port)
    stack = Stack(
        folder, server_account(), base_environment(os.environ, folder, host=settings.host, port=port)
    )
    try:
        _say("starting PostgreSQL and Valkey")
        stack.start_servers(settings)
        samples_port = stack.serve_samples() if arguments.demo else None
        stack.run_once("migrate")
        _say("starting the API and a worker")
        api = stack.start("serve")
        stack.start("worker")
        url = f"http://{settings.host}:{port}"
        stack.wait_until_ready(url, api)
        _say(
            demo_welcome(url, samples_port, stack.run_once("demo", "seed")) if samples_port else welcome(url)
        )
        _watch(stack)
    finally:
        stack.stop()


def _port(settings: Settings, wanted: int | None) -> int:
    """An explicit port is taken or refused; the default one gives way."""
    explicit = wanted or (settings.port if "port" in settings.model_fields_set else None)
    if explicit is not None:
        if not is_free(explicit, settings.host):
            raise LocalServerError(f"port {explicit} is taken; choose another one with --port")
        return explicit
    port = first_free(settings.port)
    if port != settings.port:
        _say(f"port {settings.port} is taken: using {port}")
    return port


def _watch(stack: Stack) -> None:
    """Until a signal. What can be started again is, with a growing pause; a lost server ends us all."""
    restarts = 0
    while True:
        time.sleep(LOOK_EVERY_SECONDS)
        for child in [child for child in stack.children if child.exit_code is not None]:
            restarts += 1
            if child.name not in RESTARTABLE or restarts > MAX_RESTARTS:
                raise LocalServerError(f"{child.name} stopped (exit code {child.exit_code}); see above")
            _restart(stack, child, pause_seconds=2**restarts / 4)


def _restart(stack: Stack, child: Child, *, pause_seconds: float) -> None:
    _say(f"{child.name} stopped (exit code {child.exit_code}); starting it again")
    stack.children.remove(child)
    time.sleep(pause_seconds)
    stack.start(child.name)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
