"""What HTTP's parser refuses is a problem document, too, and the end of its connection."""

import json

import pytest

from tests.core.serving.test_corking import ASKED, answer_at_once, received, served

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
)
async def test_what_is_no_request_is_refused_with_a_problem(sent: bytes) -> None:
    async with served(answer_at_once) as client:
        client.send(sent)
        head, _, body = (await received(client)).partition(b"\r\n\r\n")
        assert await received(client) == b""
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"Content-Type: application/problem+json" in head
    assert f"Content-Length: {len(body)}".encode() in head
    told = json.loads(body)
    assert (told["status"], told["code"], told["request_id"]) == (400, "malformed_request", None)
    assert told["type"] == "/problems/malformed_request"


async def test_what_was_asked_before_it_is_answered_first() -> None:
    async with served(answer_at_once) as client:
        client.send(ASKED)
        assert (await received(client)).endswith(b"\r\n\r\nok")
        client.send(b"nonsense\r\n\r\n")
        assert (await received(client)).startswith(b"HTTP/1.1 400 ")
