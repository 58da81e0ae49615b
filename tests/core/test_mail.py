"""Mail over real sockets: never less protected than configured, never somebody else's header, never stuck."""

import asyncio
import io
import ssl
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from app.core.mail import (
    ConsoleMailer,
    Letter,
    MailDelayedError,
    MailRefusedError,
    NoMailer,
    SmtpMailer,
    compose,
    make_mailer,
)
from app.settings import Settings, load_settings
from tests.reading.certificates import Authority
from tests.smtp_sink import PASSWORD, USERNAME, html_of, smtp_sink, text_of

pytestmark = pytest.mark.integration

SENDER = "Précis <no-reply@precis.example>"
# Read outside the event loop, as a process does at its start.
SETTINGS = load_settings(smtp_host="127.0.0.1", public_url="https://precis.example", mail_from=SENDER)
LETTER = Letter("7.abc", "dora@example.com", "Grüße", "Hello\nsecret-token\n", "<p>Hello</p>")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def settings_for(port: int, security: str, *, password: str | None = None) -> Settings:
    changes = {"smtp_port": port, "smtp_security": security}
    if password:
        changes |= {"smtp_username": USERNAME, "smtp_password": SecretStr(password)}
    return SETTINGS.model_copy(update=changes)


def encrypted(authority: Authority, security: str) -> dict[str, Any]:  # Any: keyword arguments
    return {security: authority.server("127.0.0.1")}


async def test_a_server_without_starttls_gets_nothing(authority: Authority) -> None:
    async with smtp_sink() as sink:
        mailer = SmtpMailer(settings_for(sink.port, "starttls"), tls=authority.client())
        with pytest.raises(MailDelayedError, match="STARTTLS"):
            await mailer.send(LETTER)
    assert sink.received == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_that_nobody_vouches_for_gets_nothing(authority: Authority, security: str) -> None:
    async with smtp_sink(**encrypted(authority, security)) as sink:
        mailer = SmtpMailer(settings_for(sink.port, security), tls=ssl.create_default_context())
        with pytest.raises(MailDelayedError, match="certificate"):
            await mailer.send(LETTER)
    assert sink.received == []


async def test_a_wrong_login_is_the_operators_to_mend_and_no_letters_end(authority: Authority) -> None:
    async with smtp_sink(starttls=authority.server("127.0.0.1")) as sink:
        given = settings_for(sink.port, "starttls", password="wrong")
        with pytest.raises(MailDelayedError, match="535"):
            await SmtpMailer(given, tls=authority.client()).send(LETTER)
    assert (sink.logins, sink.received) == (0, [])


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("550 no <dora@example.com> here", MailRefusedError),
        ("451 <dora@example.com> later", MailDelayedError),
    ],
)
async def test_a_refusal_tells_for_good_or_for_now_and_names_nobody(
    answer: str, error: type[Exception]
) -> None:
    async with smtp_sink() as sink:
        sink.answer = answer
        with pytest.raises(error) as caught:
            await SmtpMailer(settings_for(sink.port, "none")).send(LETTER)
    assert answer[:3] in str(caught.value)
    assert "dora" not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_a_server_that_is_not_there_delays_the_mail() -> None:
    async with smtp_sink() as sink:
        settings = settings_for(sink.port, "none")
    with pytest.raises(MailDelayedError):
        await SmtpMailer(settings).send(LETTER)


async def test_a_server_that_never_answers_is_given_up() -> None:
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    async with server:
        settings = settings_for(server.sockets[0].getsockname()[1], "none")
        with pytest.raises(MailDelayedError, match="TimeoutError"):
            await SmtpMailer(settings, total_seconds=0.1).send(LETTER)


@pytest.mark.parametrize(
    "recipient",
    [
        "dora@example.com\r\nBcc: eve@example.com",
        "dora@example.com, eve@example.com",
        "dora@example.com\n",
        "Dora <dora@example.com>",
        "dora",
        "",
    ],
)
def test_what_is_not_one_address_is_refused(recipient: str) -> None:
    with pytest.raises(MailRefusedError) as caught:
        compose(replace(LETTER, recipient=recipient), sender=SENDER)
    assert "dora" not in str(caught.value)


@pytest.mark.parametrize("field", ["subject", "id"])
def test_a_line_break_makes_no_header(field: str) -> None:
    with pytest.raises(MailRefusedError):
        compose(replace(LETTER, **{field: "x\r\nBcc: eve@example.com"}), sender=SENDER)


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_letter_travels_encrypted_with_its_login(authority: Authority, security: str) -> None:
    async with smtp_sink(**encrypted(authority, security)) as sink:
        given = settings_for(sink.port, security, password=PASSWORD)
        await SmtpMailer(given, tls=authority.client()).send(LETTER)
    (message,) = sink.received
    assert (message["Subject"], message["To"]) == ("Grüße", "dora@example.com")
    assert message["From"] == SENDER
    assert (text_of(message), html_of(message)) == (LETTER.text, "<p>Hello</p>\n")
    assert (sink.logins, sink.recipients) == (1, ["dora@example.com"])


async def test_a_second_try_has_the_same_id_and_answers_no_machine() -> None:
    messages = [compose(LETTER, sender=SENDER) for _ in range(2)]
    assert {message["Message-ID"] for message in messages} == {"<7.abc@precis.example>"}
    assert messages[0]["Auto-Submitted"] == "auto-generated"


def test_a_domain_beyond_ascii_is_not_mistaken_for_another() -> None:
    message = compose(replace(LETTER, recipient="dora@faß.de"), sender=SENDER)
    assert message["To"] == "dora@xn--fa-hia.de"


async def test_a_name_beyond_ascii_travels_where_the_server_can() -> None:
    async with smtp_sink(utf8=True) as sink:
        await SmtpMailer(settings_for(sink.port, "none")).send(replace(LETTER, recipient="dörte@example.com"))
    assert sink.recipients == ["dörte@example.com"]


async def test_a_name_beyond_ascii_elsewhere_is_an_error_and_no_other_address() -> None:
    async with smtp_sink() as sink:
        with pytest.raises(MailDelayedError):
            await SmtpMailer(settings_for(sink.port, "none")).send(
                replace(LETTER, recipient="dörte@example.com")
            )
    assert sink.recipients == []


async def test_development_is_shown_the_mail_with_its_token() -> None:
    stream = io.StringIO()
    await ConsoleMailer(stream).send(LETTER)
    assert "secret-token" in stream.getvalue()
    assert "dora@example.com" in stream.getvalue()


async def test_production_without_a_server_is_told_so_without_any_token() -> None:
    with capture_logs() as logs:
        await NoMailer().send(LETTER)
    assert [(log["event"], log["log_level"]) for log in logs] == [("mail_not_configured", "warning")]
    assert "secret-token" not in str(logs)
    assert "dora" not in str(logs)


def test_the_settings_choose_the_mailer() -> None:
    stream = io.StringIO()
    here = load_settings()
    there = here.model_copy(update={"environment": "production"})
    assert isinstance(make_mailer(settings_for(25, "none"), stream=stream), SmtpMailer)
    assert isinstance(make_mailer(here, stream=stream), ConsoleMailer)
    assert isinstance(make_mailer(there, stream=stream), NoMailer)
