"""The job: send one invitation. Its token is made here, so that none lies in the queue."""

from uuid import UUID

import structlog

from app.accounts.mails import Addressee, write
from app.accounts.tasks import PostOffice
from app.core.db import Tenant
from app.organizations.invitations.repository import InvitationLetter, InvitationRepository
from app.organizations.invitations.tokens import InvitationTokens
from app.outbox.mails import Mail

log = structlog.get_logger(__name__)


async def send_invitation(
    office: PostOffice, tokens: InvitationTokens, *, organization_id: UUID, invitation_id: UUID
) -> None:
    """Raises MailDelayedError, MailRefusedError. One that was withdrawn or used meanwhile is not sent."""
    async with office.database.transaction(Tenant(organization_id)) as session:
        found = await InvitationRepository(session, organization_id).letter(invitation_id)
    if found is None:
        log.info("invitation_not_sent", invitation_id=str(invitation_id))
        return
    await office.mailer.send(
        write(
            Mail.INVITATION,
            Addressee(found.email, username=""),
            mail_id=str(invitation_id),
            base_url=office.base_url,
            token=f"{tokens.mint(invitation_id)}&organization={organization_id}",
            facts=_facts(found),
        )
    )


def _facts(found: InvitationLetter) -> dict[str, str | int]:
    """What the inviting side wrote of itself: `mails.shown` makes it one short line without a link."""
    facts: dict[str, str | int] = {"organization": found.organization, "role": found.role}
    return {**facts, "invited_by": found.invited_by} if found.invited_by else facts
