"""Clients that begin requests and never end them, at gunicorn itself and at nginx in front of it."""

import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from app.local.ports import LOOPBACK, accepts, free_port
from app.local.process import Child, Command
from tests.deploy.edge import write_certificate, write_conf
from tests.drills.stand import Stand

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
HALF_REQUESTS = 400
HALF = b"POST /api/v1/summaries HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\nContent-Type: appl"


@contextmanager
def slow_clients(stand: Stand) -> Iterator[None]:
    """Half a request on each of 400 connections."""
    with _half_requests(int(stand.stack.environment["PORT"])):
        yield


@contextmanager
def slow_clients_at_the_edge(stand: Stand) -> Iterator[None]:
    """The same through nginx, which ends them after ten seconds; users come through it too."""
    folder = stand.stack.folder / "edge"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    plain, secure = free_port(), free_port()
    write_certificate(folder)
    configuration = write_conf(folder, apis=[int(stand.stack.environment["PORT"])], http=plain, https=secure)
    # SIGQUIT: it answers what it has begun.
    command = Command([str(NGINX), "-c", configuration], stop_signal=signal.SIGQUIT, log=folder / "log")
    nginx = Child("nginx", command)
    try:
        assert stand.until(lambda: accepts(secure), seconds=10)
        with _half_requests(plain) as connections, stand.through(f"https://{LOOPBACK}:{secure}"):
            yield
            assert stand.until(lambda: _ended(connections) == HALF_REQUESTS, seconds=15)
    finally:
        nginx.stop()


@contextmanager
def _half_requests(port: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        connections = []
        for _ in range(HALF_REQUESTS):
            connection = stack.enter_context(socket.create_connection((LOOPBACK, port), timeout=5))
            connection.sendall(HALF)
            connection.setblocking(False)
            connections.append(connection)
        yield connections


def _ended(connections: list[socket.socket]) -> int:
    """How many the other end has closed; what it says before it does is thrown away."""
    return sum(_is_ended(connection) for connection in connections)


def _is_ended(connection: socket.socket) -> bool:
    try:
        while connection.recv(4096):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def needs_nginx(_stand: Stand) -> str | None:
    return None if NGINX else "nginx is not installed here"
