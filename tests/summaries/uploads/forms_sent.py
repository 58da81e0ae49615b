"""Multipart forms, also such as no library would write."""

from typing import Any
from uuid import UUID

from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from sqlalchemy import select

from app.core.db import Tenant
from app.summaries.models import SummaryContent
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
    headers: dict[str, str] | None = None,
    **fields: Any,  # Any: a value or a list of them
) -> Response:
    """Under a type that it never has."""
    sent = {**person.headers, **(headers or {})}
    return await client.post(PATH, files={"file": (name, body, "image/png")}, data=fields, headers=sent)


async def upload_several(
    client: AsyncClient, person: Person, *files: tuple[str, bytes], headers: dict[str, str] | None = None
) -> Response:
    sent = {**person.headers, **(headers or {})}
    return await client.post(PATH, files=[("files", file) for file in files], headers=sent)


async def post_raw(client: AsyncClient, person: Person, *parts: bytes, path: str = PATH) -> Response:
    return await client.post(path, content=form(*parts), headers={**person.headers, **MULTIPART})


def part(name: str, content: bytes, *, filename: bytes | None = None) -> bytes:
    named = b"" if filename is None else b'; filename="' + filename + b'"'
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'.encode()
    return head + named + b"\r\n\r\n" + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


async def content_of(app: FastAPI, person: Person, summary_id: str) -> tuple[bytes | None, str, str]:
    """The stored document, its name and its type."""
    columns = SummaryContent.document, SummaryContent.document_name, SummaryContent.document_type
    async with app.state.database.transaction(Tenant(person.organization_id)) as session:
        statement = select(*columns).where(SummaryContent.summary_id == UUID(summary_id))
        document, name, media_type = (await session.execute(statement)).one()
    return document, name, media_type
