"""A connection that is kept alive ends with an answer that says so, not while a request may be on its way.

uvicorn closes idle connections at SIGTERM. A proxy that writes into one just then cannot know whether its
request was heard: it may send a GET again, elsewhere, but never a POST.
"""

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.core.serving.corking import CorkedProtocol

# By then the proxy has been refused a new connection and turns elsewhere.
LINGER_SECONDS = 2.0


class LingeringProtocol(CorkedProtocol):
    linger_seconds = LINGER_SECONDS
    _is_ending = False

    @override
    def shutdown(self) -> None:
        """Told to stop. An answer whose head has left promised to keep the connection."""
        self._is_ending = True
        cycle = self._latest()
        if cycle is None or cycle.response_complete:
            self._linger()
        elif not cycle.response_started:
            cycle.keep_alive = False

    @override
    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self._is_ending and (cycle := self._latest()) is not None:
            cycle.keep_alive = False

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_ending and not self.transport.is_closing():
            self._linger()

    def _latest(self) -> RequestResponseCycle | None:
        """None before the first request, which uvicorn's own annotation denies."""
        return self.cycle

    def _linger(self) -> None:
        """Its next request ends the wait, and is answered with `Connection: close`."""
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.linger_seconds, self.timeout_keep_alive_handler
        )
