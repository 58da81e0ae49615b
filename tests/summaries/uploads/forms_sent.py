"""Multipart forms, also such as no library would write."""

from typing import Any

from httpx2 import AsyncClient, Response

from tests.factories import Person
from tests.summaries.shelf import TEXT

PATH = "/api/v1/summaries/upload"
BOUNDARY = "boundary"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


async def upload(
    client: AsyncClient,
    person: Person,
    body: bytes = TEXT.encode(),
    *,
    name: str = "river.txt",
    declared: str = "application/octet-stream",
    headers: dict[str, str] | None = None,
    **fields: Any,  # Any: a value or a list of them
) -> Response:
    files = {"file": (name, body, declared)}
    return await client.post(PATH, files=files, data=fields, headers={**person.headers, **(headers or {})})


def part(name: str, content: bytes, *, filename: str | None = None) -> bytes:
    disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename is not None else "")
    head = f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n".encode("utf-8", "surrogateescape")
    return head + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
