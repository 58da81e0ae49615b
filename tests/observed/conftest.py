"""A stranger's server that is both read and told, a mail server, and settings that point at them."""

import io
import logging
from collections.abc import AsyncIterator, Iterator

import pytest
import structlog
from fastapi import FastAPI

from app.core.logging import configure_logging
from app.settings import Settings
from tests.fixtures import make_app
from tests.observed.story import PAGE, UNREADABLE, WORDS
from tests.smtp_sink import SmtpSink, smtp_sink
from tests.webhooks.receiver import Receiver, answer, receiving


@pytest.fixture
async def stranger() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        page = answer("200 OK", body=PAGE.encode(), extra="Content-Type: text/html; charset=utf-8\r\n")
        receiver.answers |= {"/robots.txt": answer("404 Not Found"), "/page?patient=Quillfeather-7": page}
        receiver.answers |= {"/page": page, f"/gone?{UNREADABLE}": answer("404 Not Found")}
        receiver.answers[f"/500?hook={WORDS['query']}"] = answer("500 Internal Server Error")
        yield receiver


@pytest.fixture
async def mail() -> AsyncIterator[SmtpSink]:
    async with smtp_sink() as sink:
        yield sink


@pytest.fixture
def settings(settings: Settings, stranger: Receiver, mail: SmtpSink) -> Settings:
    values = {
        "fetch_allow_hosts": sorted(stranger.allowed),
        "smtp_host": "127.0.0.1",
        "smtp_port": mail.port,
        "smtp_security": "none",
        "log_level": "DEBUG",
        "log_format": "json",
    }
    return settings.model_copy(update=values)


@pytest.fixture
def built_app(settings: Settings) -> FastAPI:
    return make_app(settings)


@pytest.fixture
def log(built_app: FastAPI, settings: Settings) -> Iterator[io.StringIO]:
    """Whatever API and worker log in this process, as in production, down to DEBUG."""
    assert built_app.state.settings is settings
    root, stream = logging.getLogger(), io.StringIO()
    before = root.handlers, root.level
    configure_logging(settings, stream)
    # The mail server is not ours, and tells every line of its talk.
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    yield stream
    root.handlers, root.level = before
    structlog.reset_defaults()
