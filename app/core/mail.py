"""Mail: one letter, one SMTP connection, a bound on its time, and never less protected than configured.

The worker sends; the request path only asks, through `app/outbox/mails.py`.
"""

import asyncio
import ssl
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import formatdate, parseaddr
from typing import Protocol, TextIO
from urllib.parse import urlsplit

import aiosmtplib
import structlog
from email_validator import EmailNotValidError, validate_email

from app.settings import Settings

COMMAND_SECONDS = 10
TOTAL_SECONDS = 30
# 5xx to these is about this letter; to a greeting, STARTTLS or AUTH it is about the operator's settings.
_ABOUT_THE_LETTER = (
    aiosmtplib.SMTPSenderRefused,
    aiosmtplib.SMTPRecipientRefused,
    aiosmtplib.SMTPDataError,
)
_PERMANENT = 500

_log = structlog.get_logger(__name__)


class MailDelayedError(Exception):
    """Not sent; a later try may succeed. Says what went wrong, never to whom or what was written."""


class MailRefusedError(Exception):
    """Not sent, and no later try will be: as MailDelayedError otherwise."""


@dataclass(frozen=True, slots=True)
class Letter:
    """`recipient` is a bare address. A second try keeps the `id`, by which servers drop a duplicate."""

    id: str
    recipient: str
    subject: str
    text: str
    html: str


class Mailer(Protocol):
    """`is_silent`: it would throw the letter away, so that no token need be made for it."""

    is_silent: bool

    async def send(self, letter: Letter) -> None:
        """Raises MailDelayedError, MailRefusedError."""
        ...


class SmtpMailer:
    """`tls` None: the system's certificate authorities. STARTTLS is demanded, never merely offered."""

    is_silent = False

    def __init__(
        self,
        settings: Settings,
        *,
        tls: ssl.SSLContext | None = None,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._settings = settings
        self._tls = tls or ssl.create_default_context()
        self._total_seconds = total_seconds

    async def send(self, letter: Letter) -> None:
        message = compose(letter, sender=self._settings.mail_from)
        try:
            async with asyncio.timeout(self._total_seconds):
                await self._transmit(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            # There is one recipient; the library's error holds their address, which is for no log.
            raise _as_ours(error.recipients[0]) from None
        except (aiosmtplib.SMTPException, OSError) as error:  # TimeoutError is an OSError
            raise _as_ours(error) from None

    async def _transmit(self, message: EmailMessage) -> None:
        settings = self._settings
        password = settings.smtp_password
        await aiosmtplib.send(
            message,
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_username,
            password=password.get_secret_value() if password else None,
            # The library's own choice asks the resolver for this machine's name, and waits for it.
            local_hostname=urlsplit(settings.base_url).hostname,
            timeout=COMMAND_SECONDS,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            tls_context=None if settings.smtp_security == "none" else self._tls,
        )


class ConsoleMailer:
    """For development without a mail server: the letter's text, link and all, where `./run` shows it.

    Not the log, whose redaction would take the very link away.
    """

    is_silent = False

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    async def send(self, letter: Letter) -> None:
        rule = "-" * 72
        heading = f"No SMTP_HOST: this mail to {letter.recipient} is only shown here.\n{letter.subject}"
        self._stream.write(f"{rule}\n{heading}\n\n{letter.text}{rule}\n")
        self._stream.flush()


class NoMailer:
    """For production without a mail server: the operator is told, the letter is gone."""

    is_silent = True

    async def send(self, letter: Letter) -> None:
        _log.warning("mail_not_configured", mail_id=letter.id, hint="set SMTP_HOST")


def make_mailer(settings: Settings, *, stream: TextIO) -> Mailer:
    if settings.smtp_host:
        return SmtpMailer(settings)
    return NoMailer() if settings.is_production_like else ConsoleMailer(stream)


def compose(letter: Letter, *, sender: str) -> EmailMessage:
    """Text with an HTML alternative. Headers are built from checked values: a line break in one is refused.

    Raises MailRefusedError.
    """
    name, address = parseaddr(sender)
    recipient = _writable(letter.recipient)
    message = EmailMessage(policy=SMTP if recipient.isascii() else SMTPUTF8)
    try:
        message["From"] = Address(name, addr_spec=address)
        local_part, _, domain = recipient.rpartition("@")
        message["To"] = Address(username=local_part, domain=domain)
        message["Subject"] = letter.subject
        message["Message-ID"] = f"<{letter.id}@{address.rpartition('@')[2]}>"
    except ValueError as error:
        raise MailRefusedError(f"a header cannot be written: {type(error).__name__}") from None
    message["Date"] = formatdate()
    # RFC 3834: nobody's absence notice answers it.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


def _writable(address: str) -> str:
    """With its domain in ASCII, by IDNA 2008: Python's codec would send the mail of faß.de to fass.de."""
    try:
        checked = validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise MailRefusedError(f"the recipient is no address: {type(error).__name__}") from None
    return checked.ascii_email or f"{checked.local_part}@{checked.ascii_domain}"


def _as_ours(error: Exception) -> MailDelayedError | MailRefusedError:
    if not isinstance(error, aiosmtplib.SMTPResponseException):
        return MailDelayedError(f"{type(error).__name__}: {error}")
    # Its message may quote the recipient.
    said = f"{type(error).__name__}: the server answered {error.code}"
    permanent = isinstance(error, _ABOUT_THE_LETTER) and error.code >= _PERMANENT
    return MailRefusedError(said) if permanent else MailDelayedError(said)
