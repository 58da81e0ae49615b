"""The proxy fails as it is told to, and is whole again afterwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from tests.tcp_proxy import TcpProxy

pytestmark = pytest.mark.integration
SOON = 0.2


@asynccontextmanager
async def server(answer: bytes) -> AsyncIterator[int]:
    """Answers each line with its own name."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionResetError):
            while await reader.readline():
                writer.write(answer + b"\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield listening.sockets[0].getsockname()[1]


@pytest.fixture
async def proxy() -> AsyncIterator[TcpProxy]:
    async with server(b"first") as port:
        proxy = TcpProxy(port)
        await proxy.start()
        yield proxy
        await proxy.aclose()


class Caller:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    @asynccontextmanager
    async def of(cls, proxy: TcpProxy) -> AsyncIterator["Caller"]:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        yield cls(reader, writer)
        writer.close()

    async def ask(self) -> bytes:
        self._writer.write(b"who\n")
        return (await asyncio.wait_for(self._reader.readline(), SOON)).strip()


async def test_nobody_listens_while_it_refuses(proxy: TcpProxy) -> None:
    await proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", proxy.port)
    await proxy.start()
    async with Caller.of(proxy) as caller:
        assert await caller.ask() == b"first"


async def test_frozen_it_accepts_and_is_silent_until_it_thaws(proxy: TcpProxy) -> None:
    await proxy.freeze()
    async with Caller.of(proxy) as caller:
        with pytest.raises(TimeoutError):
            await caller.ask()
        await proxy.thaw()
        assert await caller.ask() == b"first"


async def test_what_is_open_breaks_when_it_points_elsewhere(proxy: TcpProxy) -> None:
    async with server(b"second") as other, Caller.of(proxy) as caller:
        assert await caller.ask() == b"first"
        await proxy.point_to(other)
        with pytest.raises(ConnectionResetError):
            await caller.ask()
        async with Caller.of(proxy) as another:
            assert await another.ask() == b"second"
