"""The worker's own port: /metrics for Prometheus, /health for a supervisor. Not for the outside.

In a thread, so that it answers just when something holds the event loop, and says so.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from pydantic import SecretStr
from typing_extensions import override

from app.core.loop_lag import last_turn
from app.core.metrics import may_scrape

# No turn of the loop for so long: whoever asks may restart the process; its jobs go to another.
HUNG_AFTER_SECONDS = 60.0
SOCKET_SECONDS = 5.0
TEXT = "text/plain; charset=utf-8"


class _Handler(BaseHTTPRequestHandler):
    token: SecretStr | None = None
    clock: Callable[[], float] = staticmethod(time.monotonic)
    timeout = SOCKET_SECONDS

    def do_GET(self) -> None:
        match self.path:
            case "/health":
                hung = self.clock() - last_turn() > HUNG_AFTER_SECONDS
                self._answer(503 if hung else 200, TEXT, b"hung\n" if hung else b"healthy\n")
            case "/metrics" if may_scrape(self.headers.get("authorization"), self.token):
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest(REGISTRY))
            case _:
                self._answer(404, TEXT, b"not found\n")

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: Any) -> None:  # Any: as the base class has it
        """Scrapes are no news."""


@contextmanager
def exposed(
    host: str,
    port: int | None,
    *,
    token: SecretStr | None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[int | None]:
    """Yields the port, which the system chooses for 0; nothing listens where it is None."""
    if port is None:
        yield None
        return
    handler = type("Handler", (_Handler,), {"token": token, "clock": staticmethod(clock)})
    server = ThreadingHTTPServer((host, port), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="exposition", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
