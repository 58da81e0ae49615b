"""The job: write one mail and hand it over. Its token is made here, so that none lies in the queue."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import structlog

from app.accounts.mails import Addressee, write
from app.core.db import Database
from app.core.mail import Mailer
from app.outbox.mails import RECIPIENT, Mail
from app.users.mail_tokens import MailTokens
from app.users.models import User
from app.users.store import UserStore

MAX_MAIL_TRIES = 8
# With doubling: tried for twenty to forty minutes, which outlasts greylisting and a server's restart.
FIRST_MAIL_PAUSE_SECONDS = 10
LONGEST_MAIL_PAUSE_SECONDS = 15 * 60

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PostOffice:
    """What the worker's process lends to every mail."""

    database: Database
    mailer: Mailer
    tokens: MailTokens
    base_url: str


@dataclass(frozen=True, slots=True)
class MailOrder:
    """What the queue's row says; `id` is the row's own."""

    id: int
    mail: Mail
    user_id: UUID
    facts: Mapping[str, str | int]


async def send_mail(office: PostOffice, order: MailOrder) -> None:
    """Raises MailDelayedError, MailRefusedError. Whoever is no addressee (any more) gets nothing, quietly."""
    async with office.database.transaction() as session:
        user = await UserStore(session).get(order.user_id)
    addressee = _addressee(user, order)
    if addressee is None or not _is_due(order.mail, user):
        log.info("mail_has_no_addressee", mail=order.mail, user_id=str(order.user_id))
        return
    letter = write(
        order.mail,
        addressee,
        mail_id=f"{order.id}.{order.user_id}",
        base_url=office.base_url,
        token=None if office.mailer.is_silent else _token(office.tokens, order.mail, user),
        facts=order.facts,
    )
    await office.mailer.send(letter)
    if not office.mailer.is_silent:
        log.info("mail_sent", mail=order.mail, user_id=str(order.user_id))


def _addressee(user: User | None, order: MailOrder) -> Addressee | None:
    """A recipient among the facts stands for one whom the account knows no more."""
    recipient = order.facts.get(RECIPIENT)
    if user is None:
        username = str(order.facts.get("username", ""))
        return Addressee(str(recipient), username) if recipient else None
    full_name = user.full_name if user.is_verified else None
    return Addressee(str(recipient or user.email), user.username, full_name)


def _is_due(mail: Mail, user: User | None) -> bool:
    """A request for a link was answered alike for everybody; here it shows who gets one."""
    if mail is Mail.VERIFY:
        return user is not None and user.is_active and not user.is_verified
    if mail in {Mail.WELCOME, Mail.RESET_PASSWORD}:
        return user is not None and user.is_active
    return True


def _token(tokens: MailTokens, mail: Mail, user: User | None) -> str | None:
    if user is None:
        return None
    if mail is Mail.RESET_PASSWORD:
        return tokens.for_reset(user)
    if mail in {Mail.WELCOME, Mail.VERIFY} and not user.is_verified:
        return tokens.for_verification(user)
    return None
