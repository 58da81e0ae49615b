"""The lines that docs/webhooks.md asks people to copy do what it says."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError

from app.core.ids import new_id
from app.outbox.deliveries import WebhookEvent
from app.webhooks.signing import Message, new_secret, signed_headers
from app.webhooks.vocabulary import DeliveryFailure

pytestmark = pytest.mark.unit
PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text("utf-8")


def test_the_copied_lines_verify_ours_and_refuse_what_was_changed() -> None:
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {}  # Any: a module's names
    exec(code[1], names)  # noqa: S102  # our own documentation
    secret = new_secret()
    message = Message(new_id(), "https://example.com", '{"type": "webhook.test"}')
    headers = signed_headers(message, [secret], now=datetime.now(UTC))
    assert names["verified"](secret, message.payload.encode(), headers) == {"type": "webhook.test"}
    for body in (b"{}", message.payload.encode() + b"\n"):
        with pytest.raises(WebhookVerificationError):
            names["verified"](secret, body, headers)


def test_every_event_and_every_failure_is_named() -> None:
    for word in (*WebhookEvent, *DeliveryFailure):
        assert f"`{word}`" in PAGE, word
