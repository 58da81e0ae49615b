"""Two requests are the same by query and body; forms by their fields, whatever boundary they drew."""

import pytest
from starlette.requests import Request
from starlette.types import Message

from app.core.idempotency_route import fingerprint_of

pytestmark = pytest.mark.unit
FORM = (
    '--{b}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
    '--{b}\r\nContent-Disposition: form-data; name="file"; filename="{file}"\r\n\r\n{content}\r\n--{b}--\r\n'
)


async def of(body: bytes, *, content_type: str = "application/json", query: str = "") -> bytes:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-type", content_type.encode())]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": query.encode(),
        "headers": headers,
    }
    request = Request({**scope, "server": ("t", 80), "state": {}}, receive)
    try:
        return await fingerprint_of(request)
    finally:
        await request.close()


async def of_form(boundary: str = "one", **fields: str) -> bytes:
    values = {"name": "style", "value": "bullets", "file": "a.txt", "content": "Rain.", **fields}
    body = FORM.format(b=boundary, **values).encode()
    return await of(body, content_type=f"multipart/form-data; boundary={boundary}")


async def test_the_same_bytes_are_the_same_request() -> None:
    assert await of(b'{"a":1}') == await of(b'{"a":1}')


async def test_any_other_byte_or_query_is_another() -> None:
    prints = [await of(b'{"a":1}'), await of(b'{"a": 1}'), await of(b""), await of(b'{"a":1}', query="x=1")]
    assert len(set(prints)) == 4


async def test_a_form_is_the_same_under_another_boundary() -> None:
    assert await of_form("one") == await of_form("another")


async def test_any_other_field_name_or_content_is_another_form() -> None:
    changes = ({"name": "length"}, {"value": "x"}, {"file": "b.txt"}, {"content": "Snow."})
    prints = [await of_form(), *[await of_form(**change) for change in changes]]
    assert len(set(prints)) == 1 + len(changes)


async def test_a_large_file_counts_to_its_end() -> None:
    head = "a" * 3_000_000
    assert await of_form(content=head + "b") != await of_form(content=head + "c")
