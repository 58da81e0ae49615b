"""A web site whose pages can be held back, or are poison."""

import asyncio

PAGE = (
    "<html><head><title>The bridge</title></head><body><article><h1>The bridge</h1><p>"
    "The river rose in the night and took the old bridge with it. Nobody in the town had heard a thing until "
    "the baker opened her door at four. By noon the council had met twice and agreed on nothing. Engineers "
    "from the capital arrived in the afternoon and said that a new bridge would take three years. The ferry, "
    "which had been out of service since the spring, was brought back the same evening.</p></article></body>"
    "</html>"
)
MARKER = "poison-that-"
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n"


def page(path: str) -> str:
    """The marker is what `tests.drills.poisoned_child` looks for."""
    _, _, kind = path.partition("/poison/")
    return PAGE.replace("The ferry", f"{MARKER}{kind} ferry") if kind else PAGE


class Origin:
    """`/held/NAME` is answered once NAME is released, every other path at once; `/poison/KIND` is poison."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: set[str] = set()
        self._released: set[str] = set()
        self._changed = asyncio.Condition()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        self._server.close()

    async def release(self, *names: str) -> None:
        async with self._changed:
            self._released.update(names)
            self._changed.notify_all()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            path = request.split()[1].decode()
            if path.startswith("/held/"):
                await self._hold(path.removeprefix("/held/"))
            body = page(path).encode()
            writer.write(HEAD.format(len(body)).encode() + body)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            return  # whoever asked was killed, which is the drill
        finally:
            writer.close()

    async def _hold(self, name: str) -> None:
        self.asked.add(name)
        async with self._changed:
            await self._changed.wait_for(lambda: name in self._released)
