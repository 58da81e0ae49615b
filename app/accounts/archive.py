"""A zip written piece by piece: on disk once it is large, off the event loop, never whole in memory."""

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from pydantic_core import to_json

FORMAT_VERSION = 1
IN_MEMORY_BYTES = 1024 * 1024
CHUNK_BYTES = 64 * 1024
Record = dict[str, Any]  # Any: JSON


@dataclass(frozen=True, slots=True)
class Member:
    """One file inside: `sha256` in hexadecimal and `bytes` as unpacked, `count` of its lines."""

    name: str
    count: int
    bytes: int
    sha256: str


class Archive:
    """Add the files, then `finish`, then read `chunks`; close it in any case."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115  # closed by `close`
        self._zip = ZipFile(self._file, "w", ZIP_DEFLATED)
        self._members: list[Member] = []

    async def add(self, name: str, pages: AsyncIterable[Sequence[Record]]) -> None:
        """One record a line (NDJSON)."""
        count, size, digest = 0, 0, hashlib.sha256()
        member = await asyncio.to_thread(self._zip.open, name, "w", force_zip64=True)
        try:
            async for page in pages:
                content = await asyncio.to_thread(_to_lines, page)
                await asyncio.to_thread(member.write, content)
                digest.update(content)
                count, size = count + len(page), size + len(content)
        finally:
            await asyncio.to_thread(member.close)
        self._members.append(Member(name, count, size, digest.hexdigest()))

    async def finish(self, *, generated_at: datetime) -> int:
        """Adds manifest.json; the size of the zip in bytes."""
        manifest = {
            "format_version": FORMAT_VERSION,
            "generated_at": generated_at,
            "files": [asdict(member) for member in self._members],
        }
        await asyncio.to_thread(self._zip.writestr, "manifest.json", to_json(manifest, indent=2))
        await asyncio.to_thread(self._zip.close)
        return self._file.tell()

    async def chunks(self) -> AsyncIterator[bytes]:
        await asyncio.to_thread(self._file.seek, 0)
        while chunk := await asyncio.to_thread(self._file.read, CHUNK_BYTES):
            yield chunk

    async def close(self) -> None:
        """Also of one that was never finished, whose zip would else be finished by the garbage collector."""
        await asyncio.to_thread(self._zip.close)
        await asyncio.to_thread(self._file.close)


def _to_lines(page: Sequence[Record]) -> bytes:
    return b"".join(to_json(record) + b"\n" for record in page)
