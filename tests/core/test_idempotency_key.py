"""What counts as an Idempotency-Key, and how a kept answer is sealed."""

import dataclasses
from datetime import UTC, datetime
from uuid import UUID

import pytest

from app.core.idempotency import IdempotencyKeyMalformedError, parse_key
from app.core.idempotency_seal import Answer, AnswerSeal, UnsealableError
from app.core.idempotency_store import KeyedRequest

pytestmark = pytest.mark.unit
REQUEST = KeyedRequest(UUID(int=1), UUID(int=2), UUID(int=2), "/summaries", "key", b"fingerprint")
KEPT = datetime(2026, 11, 21, 20, 15, 0, 5, tzinfo=UTC)
ANSWER = Answer(201, (("location", "/a"),), b'{"api_key":"prc"}\n')


@pytest.mark.parametrize(
    "header",
    [
        *("", " ", '""', '"', '"a', 'a"', '"a"b"', "a b", "a,b", '"a","b"', "\x7f", "é", '"é"', '"\\a"'),
        *("a" * 256, '"' + "a" * 256 + '"', "a\tb", '"a";v=1'),
    ],
)
def test_what_is_no_key_is_refused(header: str) -> None:
    with pytest.raises(IdempotencyKeyMalformedError):
        parse_key(header)


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ('"a1"', "a1"),
        ("a1", "a1"),
        (" \ta1 ", "a1"),
        ('"a b,c"', "a b,c"),
        (r'"a\"b\\c"', 'a"b\\c'),
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ("a" * 255, "a" * 255),
    ],
)
def test_quoted_and_bare_are_one_key(header: str, key: str) -> None:
    assert parse_key(header) == key


def test_an_answer_comes_back_as_it_was() -> None:
    seal = AnswerSeal.from_secret("s" * 32)
    assert seal.open(seal.seal(ANSWER, REQUEST), REQUEST, kept_at=KEPT) == ANSWER


def test_nothing_of_an_answer_is_legible_at_rest() -> None:
    assert b"prc" not in AnswerSeal.from_secret("s" * 32).seal(ANSWER, REQUEST)


@pytest.mark.parametrize("change", [{"key": "other"}, {"fingerprint": b"other"}])
def test_only_the_same_key_and_body_open_it(change: dict[str, str]) -> None:
    seal = AnswerSeal.from_secret("s" * 32)
    with pytest.raises(UnsealableError):
        seal.open(seal.seal(ANSWER, REQUEST), dataclasses.replace(REQUEST, **change), kept_at=KEPT)  # type: ignore[arg-type]  # of two types


def test_another_secret_opens_nothing() -> None:
    sealed = AnswerSeal.from_secret("s" * 32).seal(ANSWER, REQUEST)
    with pytest.raises(UnsealableError):
        AnswerSeal.from_secret("t" * 32).open(sealed, REQUEST, kept_at=KEPT)


def test_an_answer_sealed_ahead_comes_back_with_the_time_at_which_it_was_kept() -> None:
    ahead = dataclasses.replace(ANSWER, body=b'{"created_at":"\x00","updated_at":"\x00"}')
    seal = AnswerSeal.from_secret("s" * 32)
    times = b'"2026-11-21T20:15:00.000005Z"'
    found = seal.open(seal.seal(ahead, REQUEST), REQUEST, kept_at=KEPT)
    assert found.body == b'{"created_at":%b,"updated_at":%b}' % (times, times)


def test_an_answer_sealed_ahead_is_no_other_ones() -> None:
    """Told to be of the other version it does not open, rather than showing where a time would stand."""
    seal = AnswerSeal.from_secret("s" * 32)
    sealed = seal.seal(dataclasses.replace(ANSWER, body=b"\x00"), REQUEST)
    with pytest.raises(UnsealableError):
        seal.open(b"\x01" + sealed[1:], REQUEST, kept_at=KEPT)


def test_a_seal_of_another_version_is_not_tried() -> None:
    seal = AnswerSeal.from_secret("s" * 32)
    with pytest.raises(UnsealableError, match="version"):
        seal.open(b"\x03" + seal.seal(ANSWER, REQUEST)[1:], REQUEST, kept_at=KEPT)


def test_the_lock_differs_by_organisation_principal_route_and_key() -> None:
    ids: list[dict[str, object]] = [
        {name: UUID(int=9)} for name in ("organization_id", "principal_id", "user_id")
    ]
    changes = [*ids, {"route": "/x"}, {"key": "x"}]
    locks = {dataclasses.replace(REQUEST, **change).lock for change in changes}  # type: ignore[arg-type]  # as above
    assert len(locks | {REQUEST.lock}) == 5
