"""HTTP/1.1 as a strict client speaks it: nothing is sent twice, and what goes wrong is never hidden."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from app.local.ports import LOOPBACK

LONGEST_SECONDS = 40.0


class LostError(Exception):
    """No whole answer came."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # Any: JSON
        return json.loads(self.body)


@dataclass(slots=True)
class Wire:
    """One kept-alive connection from an address of the loopback; another one where the server said so."""

    port: int
    tls: ssl.SSLContext
    address: str = LOOPBACK
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None
    connections: int = 0

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: dict[str, Any] | None = None,  # Any: JSON
    ) -> Answer:
        """Raises LostError."""
        content = json.dumps(body).encode() if body is not None else b""
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                await self._send(method, path, headers or {}, content)
                return await self._receive()
        except (OSError, EOFError, ValueError) as error:
            self.close()
            raise LostError(f"{method} {path}: {error!r}") from error

    async def head_of(self, path: str, *, headers: Mapping[str, str]) -> Answer:
        """The answer without its body, which the caller reads from `reader` as it comes."""
        await self._send("GET", path, headers, b"")
        return await self._head()

    async def _send(self, method: str, path: str, headers: Mapping[str, str], content: bytes) -> None:
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(
                LOOPBACK,
                self.port,
                ssl=self.tls,
                server_hostname="localhost",
                local_addr=(self.address, 0),
                limit=2**20,
            )
            self.connections += 1
        fields = {"Host": f"localhost:{self.port}", **headers}
        if content:
            fields |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.writer.write(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + content)
        await self.writer.drain()

    async def _head(self) -> Answer:
        assert self.reader is not None
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = (line.partition(":") for line in lines[1:] if line)
        return Answer(
            int(lines[0].split()[1]), {name.lower(): value.strip() for name, _, value in fields}, b""
        )

    async def _receive(self) -> Answer:
        head = await self._head()
        body = await self._body(head)
        if head.headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(head.status, head.headers, body)

    async def _body(self, head: Answer) -> bytes:
        assert self.reader is not None
        if head.headers.get("transfer-encoding") != "chunked":
            return await self.reader.readexactly(int(head.headers.get("content-length", 0)))
        body = b""
        while chunk := await self.chunk():
            body += chunk
        return body

    async def chunk(self) -> bytes:
        """The next of a chunked body; empty at its end. Raises EOFError where it is cut off."""
        assert self.reader is not None
        size = int(await self.reader.readuntil(b"\r\n"), 16)
        data = await self.reader.readexactly(size + 2)
        return data[:-2]

    def close(self) -> None:
        """At once: a farewell by TLS would wait for the other side's."""
        if self.writer is not None:
            self.writer.transport.abort()
        self.reader = self.writer = None


@contextlib.asynccontextmanager
async def wire(port: int, tls: ssl.SSLContext, address: str = LOOPBACK) -> AsyncIterator[Wire]:
    one = Wire(port, tls, address)
    try:
        yield one
    finally:
        writer = one.writer
        one.close()
        if writer is not None:
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@dataclass(frozen=True, slots=True)
class Told:
    """One server-sent event."""

    name: str
    data: dict[str, Any]  # Any: JSON
    position: str | None

    @classmethod
    def parse(cls, block: str) -> Self | None:
        """None for a comment or a lone `retry`."""
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line[1:])
        if "event" not in fields:
            return None
        return cls(fields["event"], json.loads(fields["data"]), fields.get("id"))


async def told(one: Wire, path: str, *, headers: Mapping[str, str]) -> AsyncIterator[Told]:
    """Until the stream ends. Raises LostError where it is refused, EOFError where it is cut off."""
    head = await one.head_of(path, headers={**headers, "Accept": "text/event-stream"})
    if head.status != 200:
        raise LostError(f"GET {path}: {head.status}")
    rest = ""
    while chunk := await one.chunk():
        *blocks, rest = (rest + chunk.decode()).split("\n\n")
        for block in blocks:
            if (event := Told.parse(block)) is not None:
                yield event
