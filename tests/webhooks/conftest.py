from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from fastapi import FastAPI

from app.reading.fetch import FetcherOptions
from app.reading.transport import FetchLimits
from app.webhooks.sender import LIMITS, Sender
from app.webhooks.tasks import Courier
from tests.reading.names import FixedNames
from tests.webhooks.receiver import Receiver, receiving

# Patience enough for an answer on 127.0.0.1, and little enough to wait out.
QUICK = replace(LIMITS, total_seconds=0.7, first_byte_seconds=0.7, connect_seconds=0.5)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


def sender_to(receiver: Receiver, limits: FetchLimits) -> Sender:
    options = FetcherOptions("Precis-Webhooks/test", allow_hosts=receiver.allowed)
    return Sender(FixedNames({"inside.example.com": [["10.0.0.7"]]}), options, limits=limits)


@pytest.fixture
def sender(receiver: Receiver) -> Sender:
    return sender_to(receiver, QUICK)


@pytest.fixture
def courier(app: FastAPI, receiver: Receiver, sender: Sender) -> Courier:
    """And an app that takes the receiver's URLs, as FETCH_ALLOW_HOSTS makes it."""
    settings = app.state.settings
    app.state.settings = settings.model_copy(update={"fetch_allow_hosts": sorted(receiver.allowed)})
    return Courier(app.state.database, sender, app.state.webhook_seal)
