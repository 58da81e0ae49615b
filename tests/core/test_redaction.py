from typing import Any

import pytest

from app.core import redaction
from app.core.redaction import MAX_DEPTH, REDACTED, is_plain, is_secret_key, redact, redact_text

pytestmark = pytest.mark.unit

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl-_"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"token {JWT} refused", JWT),
        (f"cut {JWT[:30]}", JWT[10:30]),
        ("spent rt1_AbC-9_x.y", "AbC-9_x.y"),
        ("key prc_live_0123456789", "0123456789"),
        ("signed with whsec_a/b+c=", "a/b+c="),
        ("postgresql://app:hunter2@db:5432/x", "hunter2"),
        ("redis://:hunter2@cache", "hunter2"),
        ("Authorization: Bearer hunter2", "hunter2"),
        ("Basic aHVudGVy", "aHVudGVy"),
        ("/reset?token=hunter2&x=1", "hunter2"),
        ("/items?access_token=hunter2", "hunter2"),
        ("/items?x=1&API-Key=hunter2", "hunter2"),
        ("cannot read https://example.com/a?who=hunter2&b", "hunter2"),
        ("cannot read 'https://example.com/a#hunter2'", "hunter2"),
        ("refused: <hunter2+x@mail.example.com>", "hunter2"),
        ("CheckViolationError\nDETAIL:  Failing row contains (1,\nhunter2).\n[SQL: INSERT]", "hunter2"),
        ("UniqueViolation\nDETAIL:  Key (name)=(hunter2) already exists.", "hunter2"),
    ],
)
def test_secret_in_a_text_is_redacted(text: str, secret: str) -> None:
    assert secret not in redact_text(text)
    assert REDACTED in redact_text(text)


@pytest.mark.parametrize(
    "secret", ["eyJhbGciOiJF", "rt1_x", "prc_a_b", "whsec_a", "bEaRer x", "BASIC x", "a@b.c"]
)
@pytest.mark.parametrize("around", ["{}", "1 {} 2", "é{}"])
def test_secret_alone_is_found_wherever_it_stands(secret: str, around: str) -> None:
    """The look that spares most texts the search may spare none that the search would change."""
    text = around.format(f" {secret}")
    searched = text
    for pattern in redaction.SECRET_VALUES:
        searched = pattern.sub(REDACTED, searched)
    for pattern in redaction.PERSONAL_VALUES:
        searched = pattern.sub(rf"\g<1>{REDACTED}", searched)
    assert redact_text(text) == searched != text
    assert not is_plain({"event": "request", "text": text})


@pytest.mark.parametrize("text", ["http://host:80/path", "a@localhost", "keyboard", "/items?limit=1"])
def test_harmless_text_stays(text: str) -> None:
    assert redact_text(text) == text


def test_what_follows_a_quoted_row_stays() -> None:
    text = "DETAIL:  Key (x)=(1)\n\nThe above exception was the direct cause"
    assert redact_text(text) == f"DETAIL: {REDACTED}\n\nThe above exception was the direct cause"


@pytest.mark.parametrize(
    "key", ["password", "new_password", "Authorization", "Set-Cookie", "X-API-Key", "apikey", "refresh_token"]
)
def test_key_tells_a_secret(key: str) -> None:
    assert is_secret_key(key)


@pytest.mark.parametrize("key", ["api_key_id", "token_type", "user_id", "event", "token_count"])
def test_key_tells_no_secret(key: str) -> None:
    assert not is_secret_key(key)


@pytest.mark.parametrize(
    ("event", "plain"),
    [
        ({"password": "x"}, False),
        ({"deep": {"password": "x"}}, False),
        ({"route": "/api/v1/summaries/{id}", "status": 200, "ms": 0.5, "code": None, "key_id": "1"}, True),
    ],
)
def test_a_line_is_left_alone_only_where_nothing_would_change(*, event: dict[str, Any], plain: bool) -> None:
    assert is_plain(event) is plain
    assert (redact(event) == event) is plain


def test_redaction_reaches_into_structures() -> None:
    value = {"a": [{"password": "x", "b": (JWT, 1)}], "raw": JWT.encode(), "secret": None}
    assert redact(value) == {
        "a": [{"password": REDACTED, "b": [REDACTED, 1]}],
        "raw": REDACTED,
        "secret": None,
    }


def test_bottomless_structure_is_cut() -> None:
    value: object = "bottom"
    for _ in range(MAX_DEPTH + 5):
        value = [value]
    assert "bottom" not in str(redact(value))
    assert redact([1], MAX_DEPTH) == REDACTED
    assert redact(1, MAX_DEPTH) == 1
