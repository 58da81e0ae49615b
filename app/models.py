"""Every slice's tables, so that migrations see one metadata."""

from app.api_keys.models import ApiKey
from app.audit.models import AuditEntry
from app.auth.models import AuthSession
from app.core.db import Base
from app.organizations.invitations.models import Invitation
from app.organizations.models import Membership, Organization
from app.summaries.models import Summary, SummaryContent
from app.users.models import User

__all__ = [
    "ApiKey",
    "AuditEntry",
    "AuthSession",
    "Base",
    "Invitation",
    "Membership",
    "Organization",
    "Summary",
    "SummaryContent",
    "User",
]

metadata = Base.metadata
