"""Mail's one door for the request path: sent by the worker, once the transaction that asked for it commits.

The job names a person and a kind of mail, never a link: the worker makes the token when it sends, so that no
secret lies in the queue. The worker's side is `app/accounts/tasks.py`.
"""

from collections.abc import Mapping
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import new_id
from app.core.jobs import enqueue

SEND_MAIL = "accounts.send_mail"
# Among the facts: where to, instead of the user's own address (the former one; that of an erased account).
RECIPIENT = "recipient"


class Mail(StrEnum):
    WELCOME = "welcome"
    VERIFY = "verify"
    RESET_PASSWORD = "reset_password"  # noqa: S105  # a kind of mail
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  # as above
    EMAIL_CHANGED = "email_changed"
    ACCOUNT_LOCKED = "account_locked"
    TOKEN_REUSED = "token_reused"  # noqa: S105  # as above
    ACCOUNT_DEACTIVATED = "account_deactivated"
    ACCOUNT_ERASED = "account_erased"
    SECOND_FACTOR_CHANGED = "second_factor_changed"
    PROVIDER_LINKED = "provider_linked"
    # An API key that somebody found and reported; `facts`: its name and prefix.
    LEAKED = "leaked"
    QUOTA_WARNING = "quota_warning"
    INVITATION = "invitation"
    WEBHOOK_DISABLED = "webhook_disabled"


async def queue_mail(
    session: AsyncSession, mail: Mail, *, user_id: UUID, facts: Mapping[str, str | int] | None = None
) -> None:
    """`facts` are shown in the mail, and lie in the queue until it is sent: no secret among them.

    Two are not shown: RECIPIENT, and `username`, for a mail to somebody whose account is gone.
    """
    args: dict[str, str | int] = {**(facts or {}), "mail": mail, "user_id": str(user_id)}
    await enqueue(session, SEND_MAIL, args=args, queueing_lock=f"mail:{new_id()}")
