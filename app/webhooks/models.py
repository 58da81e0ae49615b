"""Where an organisation wants to be told of what happens, and what was sent there."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.core.ids import new_id
from app.webhooks.vocabulary import DeliveryStatus, WebhookKind


class Webhook(Base):
    """Secrets are sealed. `url` is None for the row of callbacks alone.

    `failures` counts tries that failed since the last success, `failing_since` says when that began;
    `resting_until`: no try before then.
    """

    __tablename__ = "webhooks"
    __table_args__ = (
        UniqueConstraint("organization_id", "id"),
        CheckConstraint("kind IN ('endpoint', 'callback')", name="kind"),
        Index(
            "uq_webhooks_callback",
            "organization_id",
            unique=True,
            postgresql_where=text("kind = 'callback'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(default=WebhookKind.ENDPOINT)
    url: Mapped[str | None]
    events: Mapped[list[str]] = mapped_column(default=list)
    description: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=1)
    secret: Mapped[bytes | None]
    former_secret: Mapped[bytes | None]
    former_secret_until: Mapped[datetime | None]
    secret_changed_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[str | None]
    failures: Mapped[int] = mapped_column(default=0)
    failing_since: Mapped[datetime | None]
    resting_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    deleted_at: Mapped[datetime | None]

    @property
    def enabled(self) -> bool:
        return self.disabled_at is None


class WebhookDelivery(Base):
    """One event for one endpoint; `id` is the header webhook-id, over all tries.

    `attempts` counts the tries that were begun, and fences them; `failed_tries` says which pause is next.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("organization_id", "id"),
        CheckConstraint("status IN ('pending', 'delivered', 'failed')", name="status"),
        ForeignKeyConstraint(
            ["organization_id", "webhook_id"],
            ["webhooks.organization_id", "webhooks.id"],
            ondelete="CASCADE",
        ),
        Index(
            "ix_webhook_deliveries_organization_id_webhook_id_created_at_id",
            "organization_id",
            "webhook_id",
            "created_at",
            "id",
        ),
        Index(
            "ix_webhook_deliveries_pending",
            "webhook_id",
            "next_attempt_at",
            postgresql_where=text("status = 'pending'"),
        ),
        Index(
            "ix_webhook_deliveries_leased",
            "organization_id",
            "webhook_id",
            "leased_until",
            postgresql_where=text("leased_until IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[UUID]
    webhook_id: Mapped[UUID]
    event: Mapped[str]
    subject_id: Mapped[UUID | None]
    url: Mapped[str | None]
    payload: Mapped[str] = mapped_column(deferred=True)
    status: Mapped[str] = mapped_column(default=DeliveryStatus.PENDING, server_default=text("'pending'"))
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    failed_tries: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=func.now())
    leased_until: Mapped[datetime | None]
    last_attempt_at: Mapped[datetime | None]
    failure: Mapped[str | None]
    response_status: Mapped[int | None]
    response_body: Mapped[str | None] = mapped_column(deferred=True)
    duration_ms: Mapped[int | None]
    request_id: Mapped[str | None]
    traceparent: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
