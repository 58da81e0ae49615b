"""What a connection is given in one turn of the event loop leaves in one piece, once the turn is over.

A transport hands each write to the kernel at once: an answer's head and its body are two packets, and whoever
reads them is woken for both. A waking costs more than all that is done about a token. So whoever works on
after sending, without awaiting anything, keeps what was sent.
"""

import asyncio
from contextvars import Context
from typing import Any

from typing_extensions import override

from app.core.serving.malformed import RefusingProtocol

# Beyond it nothing is held back: the transport is to see what waits, and to say when to stop writing.
MAX_HELD_BYTES = 65_536


class CorkedTransport(asyncio.Transport):
    """As much of a transport as uvicorn's HTTP protocol asks of it; `bare` is the one it stands before."""

    def __init__(self, bare: asyncio.Transport) -> None:
        super().__init__()
        self.bare = bare
        self._is_corked = True
        self._held: list[bytes] = []
        self._held_bytes = 0

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not data:
            return
        if not self._held:
            # In nobody's context: it belongs to no one request's trace.
            asyncio.get_running_loop().call_soon(self.flush, context=Context())
        # A copy of whatever may change by then; of bytes it is none.
        self._held.append(bytes(data))
        self._held_bytes += len(data)
        if self._held_bytes > MAX_HELD_BYTES or not self._is_corked:
            self.flush()

    def flush(self) -> None:
        """Nothing is left to do where the connection was lost meanwhile."""
        held, self._held, self._held_bytes = self._held, [], 0
        if held and not self.bare.is_closing():
            self.bare.writelines(held)

    def uncork(self) -> None:
        """From here on others write to `bare` too: whatever comes is passed on at once, in its order."""
        self.flush()
        self._is_corked = False

    @override
    def close(self) -> None:
        self.flush()
        self.bare.close()

    @override
    def is_closing(self) -> bool:
        return self.bare.is_closing()

    @override
    def get_extra_info(self, name: str, default: Any = None) -> Any:  # Any: whatever a transport tells
        return self.bare.get_extra_info(name, default)

    @override
    def pause_reading(self) -> None:
        self.bare.pause_reading()

    @override
    def resume_reading(self) -> None:
        self.bare.resume_reading()


class CorkedProtocol(RefusingProtocol):
    corked: CorkedTransport

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        self.corked = CorkedTransport(transport)
        super().connection_made(self.corked)

    @override
    def eof_received(self) -> None:
        """A client that asks no more still reads; the transport closes itself when this returns."""
        self.corked.flush()
        super().eof_received()

    @override
    def handle_websocket_upgrade(self) -> None:
        """Its messages are few, and its protocol asks more of a transport."""
        self.corked.uncork()
        self.transport = self.corked.bare
        super().handle_websocket_upgrade()
