"""A mail server on 127.0.0.1 that keeps what it is given, and refuses what a test tells it to."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

USERNAME, PASSWORD = "precis", "a password for the mail server"


@dataclass
class SmtpSink:
    """`answer` is what every recipient gets instead of being accepted."""

    port: int = 0
    answer: str | None = None
    received: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    refused: int = 0
    logins: int = 0

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's protocol
        self, _server: SMTP, _session: Any, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        # Any: aiosmtpd's own session
        if self.answer:
            self.refused += 1
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802  # as above
        self, _server: SMTP, _session: Any, envelope: Envelope
    ) -> str:
        # Any: as above
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.received.append(message)
        self.recipients += envelope.rcpt_tos
        return "250 OK"

    def authenticate(
        self, _server: SMTP, _session: Any, _envelope: Envelope, _mechanism: str, given: object
    ) -> AuthResult:
        # Any: as above
        assert isinstance(given, LoginPassword)
        right = (given.login, given.password) == (USERNAME.encode(), PASSWORD.encode())
        self.logins += right
        return AuthResult(success=right, handled=False)


@asynccontextmanager
async def smtp_sink(
    *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None, utf8: bool = False
) -> AsyncIterator[SmtpSink]:
    """`starttls`: demanded before anything else; `tls`: from the first byte."""
    sink = SmtpSink()

    def protocol() -> SMTP:
        return SMTP(
            sink,
            hostname="sink.test",
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=sink.authenticate,
            auth_require_tls=starttls is not None,
            enable_SMTPUTF8=utf8,
            loop=asyncio.get_running_loop(),
        )

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=tls)
    sink.port = server.sockets[0].getsockname()[1]
    async with server:
        yield sink


def text_of(message: EmailMessage) -> str:
    return _body(message, "plain")


def html_of(message: EmailMessage) -> str:
    return _body(message, "html")


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    content: str = part.get_content()
    return content.replace("\r\n", "\n")
