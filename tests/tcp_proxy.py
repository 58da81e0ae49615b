"""A TCP proxy that stands between the service and its servers, and fails as networks fail."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

from app.local.ports import LOOPBACK

CHUNK_BYTES = 65_536


def with_port(url: str, port: int) -> str:
    parts = urlsplit(url)
    credentials, _, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{credentials}@{LOOPBACK}:{port}"))


class TcpProxy:
    """`port` is where to connect; `target` the port behind it, which may change."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.delay_seconds = 0.0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._conversations: set[asyncio.Task[None] | None] = set()

    async def start(self) -> None:
        """At first on a free port, later on the same one again."""
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def freeze(self) -> None:
        """Connections are accepted and kept, and nothing passes: a hung host, a dropped route."""
        self._flowing.clear()

    async def thaw(self) -> None:
        self._flowing.set()

    async def slow(self, seconds: float) -> None:
        """Each piece arrives so much later."""
        self.delay_seconds = seconds

    async def reset(self) -> None:
        """Breaks what is open, with RST; new connections go through."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def refuse(self) -> None:
        """Nobody listens any more, and what was open is broken."""
        if self._server is not None:
            self._server.close()
        await self.reset()

    async def aclose(self) -> None:
        await self.refuse()
        await asyncio.gather(*filter(None, self._conversations), return_exceptions=True)

    async def point_to(self, target: int) -> None:
        """As a failover does: what is open breaks, what is new goes to another server."""
        self.target = target
        await self.reset()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._conversations.add(task)
        try:
            await self._pass_on(reader, writer)
        except OSError:
            writer.transport.abort()
        finally:
            self._conversations.discard(task)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self.target)
        ends = {writer, far_writer}
        self._writers |= ends
        try:
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        finally:
            self._writers -= ends
            for end in ends:
                end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                await self._flowing.wait()
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                writer.write(data)
                await writer.drain()
        if not writer.transport.is_closing():
            # Half of a conversation may end before the other: what is under way still arrives.
            with suppress(OSError):
                writer.write_eof()
