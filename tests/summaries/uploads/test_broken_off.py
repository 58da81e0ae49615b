"""What an upload leaves behind that broke off, or was refused: nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from starlette.types import Message

from tests.factories import Person
from tests.summaries.shelf import job_ids
from tests.summaries.uploads.forms_sent import MULTIPART, PATH, form, part, upload, upload_several

pytestmark = pytest.mark.integration
MIB = 1024 * 1024
BIG = b"a line of words\n" * (2 * MIB // 16)


def deleted_files() -> set[str]:
    """On disk and open in this process: a temporary one has no name but here."""
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the listing's own
            found.add(str(link.readlink()))
    return {path for path in found if path.endswith("(deleted)")}


async def send_and_leave(app: FastAPI, person: Person, *bodies: bytes) -> list[Message]:
    """A client that begins to send, and is gone."""
    messages: list[Message] = [
        *({"type": "http.request", "body": body, "more_body": True} for body in bodies),
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []
    headers = {**person.headers, **MULTIPART, "Host": "127.0.0.1:8000"}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
    }

    async def receive() -> Message:
        await asyncio.sleep(0)
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


async def test_an_upload_that_breaks_off_leaves_neither_row_nor_file(app: FastAPI, alice: Person) -> None:
    before = deleted_files()
    begun = part("file", BIG, filename=b"a.txt")
    await send_and_leave(app, alice, begun[:100], begun[100:-10])
    assert deleted_files() == before
    assert await job_ids(app.state.database) == []


async def test_no_file_is_left_whatever_became_of_it(
    client: AsyncClient, alice: Person, subtests: pytest.Subtests
) -> None:
    before = deleted_files()

    async def endless() -> AsyncIterator[bytes]:
        yield part("file", BIG, filename=b"a.txt")
        for _ in range(25):
            yield b"x" * MIB

    headers = {**alice.headers, **MULTIPART}
    torn = form(part("file", BIG, filename=b"a.txt"))[:-30]
    attempts: dict[int, Callable[[], Awaitable[Response]]] = {
        202: lambda: upload(client, alice, BIG),
        207: lambda: upload_several(client, alice, ("a", BIG), ("b", BIG)),
        400: lambda: client.post(PATH, content=torn, headers=headers),
        413: lambda: client.post(PATH, content=endless(), headers=headers),
        415: lambda: upload(client, alice, b"\x00" + BIG),
        422: lambda: upload(client, alice, BIG, nonsense="1"),
    }
    for status, attempt in attempts.items():
        answer, after = await attempt(), deleted_files()
        with subtests.test(str(status)):
            assert (answer.status_code, after) == (status, before)
