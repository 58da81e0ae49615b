"""A site for the worker to read, in a process of its own: `python -m tests.load.site PORT DIRECTORY...`.

/N is the Nth page below the directories, at once; /slow/N comes over ten seconds, its head after five.
"""

import asyncio
import gzip
import sys
from collections.abc import Sequence
from pathlib import Path

from app.local.ports import LOOPBACK

SLOW_SECONDS = 10.0
PARTS = 5
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n"


def read_pages(directories: Sequence[Path]) -> list[bytes]:
    return [_read(file) for folder in directories for file in sorted(folder.rglob("*.html*"))]


def _read(file: Path) -> bytes:
    data = file.read_bytes()
    return gzip.decompress(data) if file.suffix == ".gz" else data


class Site:
    def __init__(self, pages: Sequence[bytes]) -> None:
        self._pages = pages

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            target = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
            *kind, number = target.strip("/").split("/")
            page = self._pages[int(number) % len(self._pages)]
            await (self._slowly(writer, page) if kind else self._at_once(writer, page))
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def _at_once(self, writer: asyncio.StreamWriter, page: bytes) -> None:
        writer.write(HEAD.format(len(page)).encode() + page)
        await writer.drain()

    async def _slowly(self, writer: asyncio.StreamWriter, page: bytes) -> None:
        await asyncio.sleep(SLOW_SECONDS / 2)
        writer.write(HEAD.format(len(page)).encode())
        size = -(-len(page) // PARTS)
        for start in range(0, len(page), size):
            await asyncio.sleep(SLOW_SECONDS / 2 / PARTS)
            writer.write(page[start : start + size])
            await writer.drain()


async def serve(port: int, pages: Sequence[bytes]) -> None:
    server = await asyncio.start_server(Site(pages).answer, LOOPBACK, port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), read_pages([Path(name) for name in sys.argv[2:]])))
