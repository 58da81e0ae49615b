"""A web page that takes its time."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, Self

from typing_extensions import override

from app.local.ports import LOOPBACK
from app.local.sample_articles import ARTICLES


class SlowOrigin:
    """The first request is held until `release`; all others are answered at once."""

    def __init__(self) -> None:
        self.asked, self.release = Event(), Event()
        self._first = threading.Lock()
        self._server = ThreadingHTTPServer((LOOPBACK, 0), self._handler())
        self._server.daemon_threads = True

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()

    def first(self) -> bool:
        """Holds the first until `release`; nobody is there any more to be answered then."""
        if not self._first.acquire(blocking=False):
            return False
        self.asked.set()
        self.release.wait(60)
        return True

    def _handler(self) -> Callable[..., BaseHTTPRequestHandler]:
        origin, page = self, (ARTICLES / "lighthouse.html").read_bytes()

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if not origin.first():
                    self._answer()

            def _answer(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            @override
            def log_message(self, format: str, *args: Any) -> None:  # Any: as its parent says
                """Silent."""

        return Page
