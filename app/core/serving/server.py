"""uvicorn's server, which says when it serves, and leaves nobody in the queue of a socket that it closes."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

from typing_extensions import override
from uvicorn import Config, Server


class CarefulServer(Server):
    """Hears on sockets that it is given."""

    def __init__(self, config: Config, *, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends the process where the application cannot start."""
        await super().startup(sockets)
        self._on_started()

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Whom the kernel has let in already is answered: closing the last socket would cut them off."""
        waiting = [connection for one in sockets or () for connection in _waiting(one)]
        # Nothing may be awaited between the two: others would come in.
        for server in self.servers:
            server.close()
        for one in sockets or ():
            one.close()
        for connection in waiting:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        # As uvicorn's own startup makes it; its type names no arguments.
        make: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)


def refuse_until_served(listener: socket.socket) -> None:
    """Keeps the address; connections are refused until a worker listens on it.

    gunicorn listens at once, so that whoever comes while the workers begin would wait for seconds; a proxy
    that is refused turns to another server instead. It is what Linux makes of a listening socket's shutdown.
    """
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RD)


def _waiting(listener: socket.socket) -> Iterator[socket.socket]:
    listener.setblocking(False)
    while True:
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        connection.setblocking(False)
        yield connection
