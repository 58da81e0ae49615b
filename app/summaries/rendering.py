"""A summary's row as clients see it: the view, its bytes and its entity tag.

A row of `queries.SHOWN` has all that is asked of a `Summary` here.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from pydantic import TypeAdapter

from app.core.cache import CachedBody
from app.core.http import strong_etag
from app.core.idempotency_seal import KEPT_AT, Answer
from app.core.principal import Principal
from app.core.schemas import to_rfc3339
from app.reading.errors import ADVICE, Reason
from app.summaries.models import Summary
from app.summaries.queries import VIEWED
from app.summaries.schemas import FailureView, HighlightView, SummaryItem, SummaryView, SummaryWithText
from app.summaries.search.highlights import Highlight
from app.summaries.vocabulary import Style, Visibility

# Of what is not written yet: no clock of ours tells it.
NOT_YET = datetime.min.replace(tzinfo=UTC)
# In a string the quotes would be escaped: only the members themselves are spelled like this.
_TIMES = '"created_at":"{0}","updated_at":"{0}"'
_NOT_YET_TIMES = _TIMES.format(to_rfc3339(NOT_YET)).encode()
_KEPT_TIMES = _TIMES.format(KEPT_AT.decode()).encode()
# Highlights are an item's last member: where there are none, it ends like this.
_NO_HIGHLIGHTS = b'"highlights":[]}'
_HIGHLIGHTS = TypeAdapter(list[HighlightView])


def cache_key(organization_id: UUID | str, summary_id: UUID) -> str:
    return f"summary:{organization_id}:{summary_id}"


def may_read(principal: Principal, document: CachedBody) -> bool:
    return document.visibility != Visibility.PRIVATE or document.owner == principal.person


def view_of(summary: Summary) -> SummaryView:
    return SummaryView.model_validate(_fields(summary))


def item_of(summary: Summary) -> bytes:
    """As it stands in a list where no words were looked for."""
    return SummaryItem.model_validate(_fields(summary)).model_dump_json().encode()


def highlighted(item: bytes, highlights: Sequence[Highlight]) -> bytes:
    """An item of `item_of` that says why it was found."""
    if not highlights:
        return item
    views = [HighlightView.model_validate(each) for each in highlights]
    return item.removesuffix(_NO_HIGHLIGHTS) + b'"highlights":%b}' % _HIGHLIGHTS.dump_json(views)


def dated_when_kept(answer: Answer) -> Answer:
    """Of a summary at NOT_YET. Its times will be that at which the answer is kept, in one transaction."""
    return replace(answer, body=answer.body.replace(_NOT_YET_TIMES, _KEPT_TIMES, 1))


def etag_of(summary: Summary) -> str:
    return strong_etag(summary.version)


def etag_with_text(summary: Summary) -> str:
    """Another tag: with the text it is another representation (RFC 9110, section 8.8.3)."""
    return strong_etag(f"{summary.version}-text")


def document_of(summary: Summary) -> CachedBody:
    return _document(summary, etag_of(summary), view_of(summary))


def document_with_text(summary: Summary, text: str | None) -> CachedBody:
    view = SummaryWithText.model_validate({**_fields(summary), "text": text})
    return _document(summary, etag_with_text(summary), view)


def _document(summary: Summary, etag: str, view: SummaryView) -> CachedBody:
    body = view.model_dump_json().encode()
    return CachedBody(etag=etag, owner=str(summary.user_id), visibility=summary.visibility, body=body)


def _fields(summary: Summary) -> dict[str, object]:
    fields: dict[str, object] = {name: getattr(summary, name) for name in VIEWED}
    fields["failure"] = _failure(summary)
    fields["style"] = summary.options.get("style", Style.PARAGRAPH)
    fields["archived"] = summary.archived_at is not None
    return fields


def _failure(summary: Summary) -> FailureView | None:
    if summary.failure_reason is None:
        return None
    reason = Reason(summary.failure_reason)
    advice = ADVICE[reason]
    retryable = advice.retryable if summary.failure_retryable is None else summary.failure_retryable
    return FailureView(reason=reason, hint=advice.hint, retryable=retryable)
