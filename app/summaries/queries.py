"""The statements of reads that need no transaction of the request's: built once, asked by `Database.read`."""

from sqlalchemy import Uuid, and_, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY

from app.core.tenant_reads import under_tenant
from app.summaries.models import Summary, SummaryContent
from app.summaries.schemas import SummaryView

# What a view shows that is no column of that name.
DERIVED = frozenset({"failure", "style", "archived"})
VIEWED = tuple(name for name in SummaryView.model_fields if name not in DERIVED)
# What those are derived from, and what deciding on an answer needs.
BEHIND = (
    *("organization_id", "user_id", "version", "ephemeral", "deleted_at"),
    *("options", "archived_at", "failure_reason", "failure_retryable"),
)
# A row of these is rendered as a `Summary` is: an object of forty columns costs more than its answer.
SHOWN = tuple(getattr(Summary, name) for name in (*VIEWED, *BEHIND))

# Whoever may read it: that is decided for each reader.
_HERE = Summary.organization_id == bindparam("organization_id"), Summary.deleted_at.is_(None)
SEVERAL = under_tenant(
    select(*SHOWN).where(*_HERE, Summary.id == any_(bindparam("summary_ids", type_=ARRAY(Uuid()))))
)
_TEXT = and_(
    SummaryContent.organization_id == Summary.organization_id, SummaryContent.summary_id == Summary.id
)
# One with its extracted `text`, NULL where there is none.
WITH_TEXT = under_tenant(
    select(*SHOWN, SummaryContent.text)
    .outerjoin(SummaryContent, _TEXT)
    .where(*_HERE, Summary.id == bindparam("summary_id"))
)
