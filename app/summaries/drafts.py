"""A request's body as the row it becomes."""

from uuid import UUID

from app.core.errors import BodyTooLargeError, FieldFault, ValidationFailedError
from app.core.principal import Principal
from app.reading.article import RawDocument
from app.reading.delivery_urls import parse_delivery_url
from app.reading.urls import HostPort, InvalidUrlError, SubmittedUrl, parse_submitted_url
from app.summaries.duplicates import submitted_key
from app.summaries.models import Summary, unwritten
from app.summaries.schemas import MAX_HTML_BYTES, MAX_TEXT_BYTES, SummaryDraft
from app.summaries.uploads.schemas import FileDraft
from app.summaries.vocabulary import CALLBACK, Source, Visibility


def parse_url(url: str, allow_hosts: frozenset[HostPort]) -> SubmittedUrl:
    """Faults of syntax are the request's; what the address leads to is judged when it is fetched."""
    try:
        return parse_submitted_url(url, allow_hosts=allow_hosts)
    except InvalidUrlError as error:
        raise ValidationFailedError(faults=[FieldFault("/url", error.code, str(error))]) from error


def check_callback(url: str | None, allow_hosts: frozenset[HostPort]) -> None:
    """Raises ValidationFailedError; where it leads to is judged when it is called."""
    try:
        if url is not None:
            parse_delivery_url(url, allow_hosts=allow_hosts)
    except InvalidUrlError as error:
        raise ValidationFailedError(faults=[FieldFault("/callback", error.code, str(error))]) from error


def refuse_oversize(draft: SummaryDraft) -> None:
    for name, content, limit in (("text", draft.text, MAX_TEXT_BYTES), ("html", draft.html, MAX_HTML_BYTES)):
        if content is not None and len(content.encode()) > limit:
            raise BodyTooLargeError(f"{name} may have {limit // 1024 // 1024} MiB")


def to_summary(
    draft: SummaryDraft, principal: Principal, *, summary_id: UUID, allow_hosts: frozenset[HostPort]
) -> Summary:
    canonical_url = parse_url(draft.url, allow_hosts).canonical if draft.url is not None else None
    check_callback(draft.callback, allow_hosts)
    source = _source(draft)
    return unwritten(
        id=summary_id,
        organization_id=principal.organization_id,
        user_id=principal.user_id,
        source=source,
        url=draft.url,
        canonical_url=canonical_url,
        submitted_key=submitted_key(source, canonical_url=canonical_url, content=_bytes_or_text(draft)),
        title=draft.title,
        own_title=draft.title is not None,
        language=draft.language,
        options=options_of(draft),
        tags=draft.tags,
        # What is not kept cannot be shared.
        visibility=draft.visibility if draft.store else Visibility.PRIVATE,
        ephemeral=not draft.store,
        notes=draft.notes,
    )


def content_of(draft: SummaryDraft) -> str | RawDocument | None:
    """What is kept of it until it is read: the text, the html or the file; None for a URL."""
    return draft.document if isinstance(draft, FileDraft) else draft.text or draft.html


def _bytes_or_text(draft: SummaryDraft) -> str | bytes | None:
    content = content_of(draft)
    return content.body if isinstance(content, RawDocument) else content


def _source(draft: SummaryDraft) -> Source:
    if isinstance(draft, FileDraft):
        return Source.FILE
    if draft.text is not None:
        return Source.TEXT
    return Source.HTML if draft.html is not None else Source.URL


def options_of(draft: SummaryDraft) -> dict[str, object]:
    """What the job needs to know: `length` as it was asked for, and a language that overrules detection."""
    length = draft.length
    named = length if isinstance(length, str) else length.model_dump()
    chosen: dict[str, object] = {"length": named, "style": draft.style, "engine": draft.engine}
    named_ones = {"language": draft.language, CALLBACK: draft.callback}
    return chosen | {name: value for name, value in named_ones.items() if value}
