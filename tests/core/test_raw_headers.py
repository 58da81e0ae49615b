import pytest
from starlette.types import Message

from app.core.raw_headers import add_absent, first_header, put_headers

pytestmark = pytest.mark.unit


def start(*headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": 200, "headers": list(headers)}


def test_header_that_is_absent_is_none() -> None:
    assert first_header([(b"b", b"1")], b"a") is None


def test_of_several_the_first_is_found() -> None:
    assert first_header([(b"a", b"1"), (b"a", b"2")], b"a") == b"1"


def test_what_an_answer_says_itself_stays() -> None:
    message = start((b"a", b"own"))
    add_absent(message, [(b"a", b"ours"), (b"b", b"ours")])
    assert message["headers"] == [(b"a", b"own"), (b"b", b"ours")]


def test_headers_of_an_answer_are_not_shared_with_whoever_made_them() -> None:
    kept = [(b"a", b"1")]
    message = start()
    message["headers"] = kept
    add_absent(message, [(b"b", b"2")])
    put_headers(message, [(b"c", b"3")])
    assert (kept, len(message["headers"])) == ([(b"a", b"1")], 3)


def test_put_takes_the_place_of_all_that_stood_there() -> None:
    message = start((b"a", b"1"), (b"b", b"2"), (b"a", b"3"))
    put_headers(message, [(b"a", b"new"), (b"c", b"3")])
    assert message["headers"] == [(b"a", b"new"), (b"b", b"2"), (b"c", b"3")]
