"""`./run`: everything on one machine, under one process that leaves nothing behind."""

import argparse
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from typing_extensions import override

from app.local.account import LocalServerError, server_account
from app.local.data_directory import choose_data_directory, occupied, throw_away_directory
from app.local.ports import first_free, free_port, is_free, url_of
from app.local.stack import Stack, base_environment
from app.local.watch import Watch
from app.local.welcome import demo_welcome, welcome
from app.settings import Settings, SettingsError, load_settings

LOOK_EVERY_SECONDS = 0.2
STOP_AGAIN_SECONDS = 1.0
LAST_PORT = 65535


class Stopped(KeyboardInterrupt):  # not an error: Ctrl-C or SIGTERM
    """We were asked to stop. Of this kind, because an event loop swallows all others raised in a callback."""


class _Parser(argparse.ArgumentParser):
    @override
    def error(self, message: str) -> NoReturn:
        """One line, without the usage."""
        self.exit(2, f"precis: {message}; ./run --help lists what it takes\n")


def main() -> int:
    arguments = _parse()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        settings = load_settings()
        with _data_directory(settings, demo=arguments.demo) as folder:
            _run(folder, settings, arguments)
    except Stopped:
        _heard()
        _say("stopped")
    except (LocalServerError, SettingsError) as error:
        sys.stderr.write(f"precis: {error}\n")
        return 1
    return 0


def _parse() -> argparse.Namespace:
    parser = _Parser(prog="./run", description="Start Precis on this machine.")
    parser.add_argument("--demo", action="store_true", help="throw-away data, a demo user, sample articles")
    parser.add_argument("--port", type=_port_number, help="the API's port (default: 8000, or the next free)")
    return parser.parse_args()


def _port_number(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text) <= LAST_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port (1 to {LAST_PORT})")


def _stop(_number: int, _frame: FrameType | None) -> None:
    # Once is enough: a second Ctrl-C must not interrupt the orderly stop.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # An exception that a signal raises inside a destructor or a callback is lost: again, until it is heard.
    signal.signal(signal.SIGALRM, _stop_again)
    signal.setitimer(signal.ITIMER_REAL, STOP_AGAIN_SECONDS, STOP_AGAIN_SECONDS)
    raise Stopped


def _stop_again(_number: int, _frame: FrameType | None) -> None:
    raise Stopped


def _heard() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def _data_directory(settings: Settings, *, demo: bool) -> Iterator[Path]:
    if demo:
        with throw_away_directory(server_account()) as folder:
            yield folder
        return
    folder = choose_data_directory(settings.data_dir, server_account())
    if folder != settings.data_dir.resolve():
        _say(f"data are kept in {folder}: the servers' account cannot reach {settings.data_dir.resolve()}")
    with occupied(folder):
        yield folder


def _run(folder: Path, settings: Settings, arguments: argparse.Namespace) -> None:
    explicit = _explicit_port(settings, arguments.port)
    stack = Stack(folder, server_account(), base_environment(os.environ, folder, host=settings.host))
    try:
        _say("starting the servers")
        stack.start_servers(settings)
        samples_port = stack.serve_samples() if arguments.demo else None
        stack.migrate()
        # Chosen this late, since others may take it while the servers start.
        stack.environment["PORT"] = str(_port(settings, explicit))
        _start(stack, settings, samples_port)
        watch = Watch(stack.children, _say)
        while True:
            time.sleep(LOOK_EVERY_SECONDS)
            watch.look()
    finally:
        _heard()
        stack.stop()


def _start(stack: Stack, settings: Settings, samples_port: int | None) -> None:
    _say("starting the API and a worker")
    api = stack.start("serve")
    stack.start("worker")
    url = url_of(settings.host, int(stack.environment["PORT"]))
    credentials = stack.run_once("demo", "seed") if samples_port else ""
    stack.wait_until_ready(url, api)
    _say(demo_welcome(url, samples_port, credentials) if samples_port else welcome(url))
    path, command = shlex.quote(str(stack.keep_environment())), Path(sys.executable).with_name("precis")
    # In a subshell: a later ./run in the same terminal must not take these URLs for other servers.
    _say(f"An operator's commands, in another terminal: (. {path}; {shlex.quote(str(command))} --help)\n")


def _explicit_port(settings: Settings, wanted: int | None) -> int | None:
    """Refused at once where it is taken; None: the default, which gives way."""
    port = wanted or (settings.port if "port" in settings.model_fields_set else None)
    if port is not None and not is_free(port, settings.host):
        raise LocalServerError(f"port {port} is taken; choose another one with --port")
    return port


def _port(settings: Settings, explicit: int | None) -> int:
    if explicit is not None:
        return explicit or free_port()
    port = first_free(settings.port, settings.host)
    if port != settings.port:
        _say(f"port {settings.port} is taken: using {port}")
    return port


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
