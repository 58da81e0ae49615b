"""Every slice's tables, so that migrations see one metadata."""

from app.accounts.models import AccountErasure
from app.admin.models import TALLY_MOVES, Tally
from app.api_keys.models import ApiKey
from app.audit.models import AuditCheckpoint, AuditEntry, AuditHead, AuditSeal, AuditUnsealed
from app.auth.lockout.models import LoginTally
from app.auth.models import AuthSession
from app.auth.oauth.models import OAuthAccount, SpentOAuthState
from app.auth.second_factor.models import RecoveryCode, SecondFactor
from app.core.db import Base
from app.core.idempotency_store import IdempotencyKey
from app.organizations.invitations.models import Invitation
from app.organizations.models import Membership, Organization
from app.organizations.usage.models import UsageDay, UsageMonth, UsageStorage
from app.summaries.counting.models import SHELF_TALLIES
from app.summaries.feeds.models import SummaryFeed
from app.summaries.models import Summary, SummaryContent
from app.summaries.search.models import SUMMARIES
from app.summaries.sharing.models import SummaryShare
from app.summaries.versions.models import SummaryVersion
from app.users.models import User
from app.webhooks.models import Webhook, WebhookDelivery

__all__ = [
    "SHELF_TALLIES",
    "SUMMARIES",
    "TALLY_MOVES",
    "AccountErasure",
    "ApiKey",
    "AuditCheckpoint",
    "AuditEntry",
    "AuditHead",
    "AuditSeal",
    "AuditUnsealed",
    "AuthSession",
    "Base",
    "IdempotencyKey",
    "Invitation",
    "LoginTally",
    "Membership",
    "OAuthAccount",
    "Organization",
    "RecoveryCode",
    "SecondFactor",
    "SpentOAuthState",
    "Summary",
    "SummaryContent",
    "SummaryFeed",
    "SummaryShare",
    "SummaryVersion",
    "Tally",
    "UsageDay",
    "UsageMonth",
    "UsageStorage",
    "User",
    "Webhook",
    "WebhookDelivery",
]

metadata = Base.metadata
