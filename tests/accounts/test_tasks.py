"""The job behind a mail: what is over is not tried again, what may pass is, and nobody waits for it."""

import io
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core.ids import new_id
from app.core.logging import configure_logging
from app.core.mail import MailDelayedError, MailRefusedError, SmtpMailer
from app.outbox.mails import RECIPIENT, Mail, queue_mail
from app.worker.queue import make_queue
from tests.accounts.post import KeptMail, Post, make_post, token_of
from tests.accounts.rows import jobs
from tests.factories import Person
from tests.servers import DatabaseUrls
from tests.smtp_sink import SmtpSink, html_of, smtp_sink, text_of
from tests.test_migrations import execute

pytestmark = pytest.mark.integration

DUE = "UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo'"
VERIFIED = "UPDATE users SET is_verified = true"
FORGOT = "/api/v1/auth/forgot-password"
NAME = "Dörte <b>\r\nBcc: eve@example.com\r\n\r\n李"


@pytest.fixture
async def sink() -> AsyncIterator[SmtpSink]:
    async with smtp_sink() as sink:
        yield sink


@pytest.fixture
async def smtp_post(app: FastAPI, sink: SmtpSink) -> AsyncIterator[Post]:
    """As a worker has it whose SMTP_HOST is the sink."""
    changes = {"smtp_host": "127.0.0.1", "smtp_port": sink.port, "smtp_security": "none"}
    settings = app.state.settings.model_copy(update=changes)
    post = Post(app, make_queue(settings, mailer=SmtpMailer(settings)), KeptMail())
    async with post.queue.open_async():
        yield post


async def order(app: FastAPI, mail: Mail, person: Person, **facts: str | int) -> None:
    async with app.state.database.transaction() as session:
        await queue_mail(session, mail, user_id=person.user_id, facts=facts)


async def states(urls: DatabaseUrls) -> list[tuple[str, int]]:
    return [(row["status"], row["attempts"]) for row in await jobs(urls)]


async def test_a_mail_that_is_refused_for_good_is_not_tried_again(
    app: FastAPI, sink: SmtpSink, smtp_post: Post, alice: Person, database_urls: DatabaseUrls
) -> None:
    sink.answer = "550 no such mailbox"
    await order(app, Mail.PASSWORD_CHANGED, alice)
    await smtp_post.deliver()
    assert await states(database_urls) == [("failed", 1)]


async def test_a_mail_that_is_delayed_waits_and_then_arrives_once(
    app: FastAPI, sink: SmtpSink, smtp_post: Post, alice: Person, database_urls: DatabaseUrls
) -> None:
    sink.answer = "451 greylisted"
    await order(app, Mail.PASSWORD_CHANGED, alice)
    await smtp_post.deliver()
    assert await states(database_urls) == [("todo", 1)]
    sink.answer = None
    await execute(database_urls.superuser, DUE)
    await smtp_post.deliver()
    assert await states(database_urls) == [("succeeded", 2)]
    assert sink.recipients == ["alice@example.com"]


async def test_tries_end(app: FastAPI, alice: Person, database_urls: DatabaseUrls) -> None:
    post = make_post(app, KeptMail(error=MailDelayedError("down")))
    await order(app, Mail.PASSWORD_CHANGED, alice)
    async with post.queue.open_async():
        for _ in range(9):
            await post.deliver()
            await execute(database_urls.superuser, DUE)
    assert await states(database_urls) == [("failed", 8)]


async def test_a_server_that_is_down_delays_no_request(
    client: AsyncClient, app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    answer = await client.post(FORGOT, json={"email": "alice@example.com"})
    assert answer.status_code == 202
    assert await states(database_urls) == [("todo", 0)]
    post = make_post(app, KeptMail(error=MailRefusedError("gone")))
    async with post.queue.open_async():
        assert await post.deliver() == []
    assert alice.username == "alice"


async def test_a_person_who_is_gone_gets_nothing_quietly(
    app: FastAPI, post: Post, database_urls: DatabaseUrls
) -> None:
    async with app.state.database.transaction() as session:
        for mail in Mail:
            await queue_mail(session, mail, user_id=new_id())
    assert await post.deliver() == []
    assert {status for status, _ in await states(database_urls)} == {"succeeded"}


async def test_an_erased_person_is_told_where_they_were(app: FastAPI, post: Post) -> None:
    facts: dict[str, str | int] = {RECIPIENT: "dora@example.com", "username": "dora"}
    async with app.state.database.transaction() as session:
        await queue_mail(session, Mail.ACCOUNT_ERASED, user_id=new_id(), facts=facts)
    (letter,) = await post.deliver()
    assert (letter.recipient, letter.text[:11]) == ("dora@example.com", "Hello dora,")


async def test_a_mail_that_is_thrown_away_has_no_token(app: FastAPI, alice: Person) -> None:
    post = make_post(app, KeptMail(is_silent=True))
    await order(app, Mail.RESET_PASSWORD, alice)
    async with post.queue.open_async():
        (letter,) = await post.deliver()
    assert "#token=None" in letter.text


async def test_the_log_names_neither_address_nor_token(app: FastAPI, post: Post, alice: Person) -> None:
    await order(app, Mail.RESET_PASSWORD, alice)
    stream = io.StringIO()
    configure_logging(app.state.settings.model_copy(update={"log_level": "INFO"}), stream)
    token = await post.token()
    assert "mail_sent" in stream.getvalue()
    assert "alice@" not in stream.getvalue()
    assert token not in stream.getvalue()


async def test_a_hostile_name_stays_a_name_on_the_wire(
    client: AsyncClient,
    app: FastAPI,
    sink: SmtpSink,
    smtp_post: Post,
    alice: Person,
    database_urls: DatabaseUrls,
) -> None:
    changed = await client.patch("/api/v1/users/me", headers=alice.headers, json={"full_name": NAME})
    await execute(database_urls.superuser, VERIFIED)
    await order(app, Mail.PASSWORD_CHANGED, alice)
    await smtp_post.deliver()
    (message,) = sink.received
    assert (changed.status_code, sink.recipients) == (200, ["alice@example.com"])
    assert (message["Bcc"], message["To"]) == (None, "alice@example.com")
    assert "Hello alice," in text_of(message)
    assert "<b>" not in html_of(message).partition("<p>")[2].partition("</p>")[0]


async def test_a_reset_works_over_a_real_mail_server(
    client: AsyncClient, sink: SmtpSink, smtp_post: Post, alice: Person
) -> None:
    await client.post(FORGOT, json={"email": "alice@example.com"})
    await smtp_post.deliver()
    (message,) = sink.received
    assert (message["Subject"], message["To"]) == ("Choose a new password", "alice@example.com")
    token = text_of(message).partition("#token=")[2].split()[0]
    assert token in html_of(message)
    body = {"token": token, "new_password": "Walnut-Bridge-42-rain"}
    assert (await client.post("/api/v1/auth/reset-password", json=body)).status_code == 200
    assert alice.username == "alice"


async def test_a_new_address_is_to_be_confirmed_and_the_former_one_is_told(
    client: AsyncClient, post: Post, alice: Person
) -> None:
    await client.patch("/api/v1/users/me", headers=alice.headers, json={"email": "new@example.com"})
    letters = {letter.recipient: letter for letter in await post.deliver()}
    assert letters["alice@example.com"].subject == "Your e-mail address was changed"
    assert "new@example.com" not in letters["alice@example.com"].text
    confirmed = await client.post(
        "/api/v1/users/verify", json={"token": token_of(letters["new@example.com"])}
    )
    me = await client.get("/api/v1/users/me", headers=alice.headers)
    assert (confirmed.status_code, me.json()["is_verified"]) == (200, True)
