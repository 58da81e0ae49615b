"""The language of `q`: words, "phrases", -negation, and filters such as `tag:` and `before:`.

    river "old bridge" -ferry tag:news site:example.com after:2026-01-01 is:favourite

All parts must hold. What is in quotes is never a filter. Whatever cannot be read is refused: a typo that
found nothing would look like an answer.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

from app.core.errors import FieldFault, ValidationFailedError
from app.summaries.vocabulary import Status, Visibility

POINTER = "#/query/q"
MAX_QUERY_LENGTH = 400
MAX_PARTS = 20
MAX_VALUE_LENGTH = 100
# PostgreSQL compares the places of a phrase's words one by one, for each summary that may have it.
MAX_WORDS = 32
HINT = (
    'Words, "phrases", -negation, and the filters tag:, status:, site:, lang:, before:, after:, '
    "is:favourite, is:archived, is:shared. Put in quotes what is no filter."
)
# A URL's scheme is no filter.
PART = re.compile(
    r'(?P<minus>-?)(?:(?P<key>[A-Za-z_]+):(?!//))?(?:"(?P<quoted>[^"]*)(?P<closed>"?)|(?P<word>[^\s"]*))'
)
# Chinese, Japanese and Korean letters are words each, as the database reads them (migration 0021).
LETTER = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
WORD = re.compile(rf"[{LETTER}]|[^\W_{LETTER}]+")
HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,3}")


@dataclass(frozen=True, slots=True)
class Part:
    """`key` is empty for a word or a phrase."""

    text: str
    negated: bool
    key: str
    value: str


@dataclass(slots=True)
class ParsedQuery:
    """`chosen` holds what a filter of the same name would be given, each once."""

    terms: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    without_labels: list[str] = field(default_factory=list)
    chosen: dict[str, object] = field(default_factory=dict)

    def choose(self, name: str, value: object, part: Part) -> None:
        if self.chosen.get(name, value) != value:
            raise query_fault("given_twice", f"{part.text} contradicts what stands before it.")
        self.chosen[name] = value


def query_fault(code: str, detail: str, *, pointer: str = POINTER) -> ValidationFailedError:
    return ValidationFailedError(hint=HINT, faults=[FieldFault(pointer, code, detail)])


def parse_query(text: str) -> ParsedQuery:
    """Raises ValidationFailedError, its fault pointing at `q`."""
    parsed = ParsedQuery()
    for part in _parts(text):
        if not part.key:
            (parsed.without if part.negated else parsed.terms).append(part.value)
        elif part.key in FILTERS:
            FILTERS[part.key](parsed, part)
        else:
            raise query_fault("unknown_filter", f"{part.key}: is no filter.")
    _refuse_many_words(parsed)
    return parsed


def _refuse_many_words(parsed: ParsedQuery) -> None:
    if sum(len(WORD.findall(term)) for term in (*parsed.terms, *parsed.without)) > MAX_WORDS:
        detail = (
            f"A query may have {MAX_WORDS} words, those of phrases counted. "
            "Each Chinese, Japanese or Korean letter is a word."
        )
        raise query_fault("too_many_words", detail)


def _parts(text: str) -> list[Part]:
    parts: list[Part] = []
    position = 0
    while (position := _skip_space(text, position)) < len(text):
        found = PART.match(text, position)
        assert found is not None, "each of its parts may be empty"  # noqa: S101  # of the pattern, not of the text
        position = found.end()
        part = _part(found)
        # A dash by itself stands between words, and means nothing.
        if part.key or part.value:
            parts.append(part)
    if len(parts) > MAX_PARTS:
        raise query_fault("too_many_parts", f"A query may have {MAX_PARTS} words and filters.")
    return parts


def _skip_space(text: str, position: int) -> int:
    return position + len(text[position:]) - len(text[position:].lstrip())


def _part(found: re.Match[str]) -> Part:
    quoted, key = found["quoted"], (found["key"] or "").lower()
    if quoted is not None and not found["closed"]:
        raise query_fault("unclosed_quote", f"The quote at character {found.start('quoted')} is not closed.")
    value = (found["word"] if quoted is None else quoted).strip()
    if key and not value:
        raise query_fault("empty_value", f"{key}: needs a value, without a space before it.")
    if len(value) > MAX_VALUE_LENGTH:
        raise query_fault("too_long", f"A word or value may have {MAX_VALUE_LENGTH} characters.")
    return Part(found[0], bool(found["minus"]), key, value)


def _label(parsed: ParsedQuery, part: Part) -> None:
    label = label_of(part.key, part.value)
    (parsed.without_labels if part.negated else parsed.labels).append(label)


def label_of(kind: str, value: str, *, pointer: str = POINTER) -> str:
    """As the database writes it beside a summary's words. Raises ValidationFailedError."""
    read = LABELS[kind](value)
    if read is None:
        raise query_fault("invalid_value", f"{value} is no value of {kind}.", pointer=pointer)
    return f"{kind}:{read}"


def _tag(value: str) -> str:
    return value


def _site(value: str) -> str | None:
    """In the form that canonical URLs have: lower case, other alphabets as Punycode."""
    try:
        host = value.lower().encode("idna").decode()
    except UnicodeError:
        return None
    return host if HOST.fullmatch(host) else None


def _language(value: str) -> str | None:
    lowered = value.lower()
    return lowered if LANGUAGE.fullmatch(lowered) else None


def _status(parsed: ParsedQuery, part: Part) -> None:
    _refuse_negation(part)
    try:
        parsed.choose("status", Status(part.value.lower()), part)
    except ValueError:
        raise query_fault("invalid_value", f"status: is one of {', '.join(Status)}.") from None


def _is(parsed: ParsedQuery, part: Part) -> None:
    match part.value.lower():
        case "favourite" | "favorite":
            parsed.choose("favourite", not part.negated, part)
        case "archived":
            parsed.choose("archived", not part.negated, part)
        case "shared":
            shown = Visibility.PRIVATE if part.negated else Visibility.ORGANIZATION
            parsed.choose("visibility", shown, part)
        case _:
            raise query_fault("invalid_value", "is: is one of favourite, archived, shared.")


def _moment(parsed: ParsedQuery, part: Part) -> None:
    _refuse_negation(part)
    parsed.choose(f"created_{part.key}", parse_moment(part.value), part)


def parse_moment(value: str) -> datetime:
    """A date is its midnight, and a time without its zone is meant, in UTC. Raises ValidationFailedError."""
    try:
        if len(value) == len("2026-01-31"):
            return datetime.combine(date.fromisoformat(value), time(), UTC)
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise query_fault("invalid_value", f"{value} is no date such as 2026-01-31.") from None


def _refuse_negation(part: Part) -> None:
    if part.negated:
        raise query_fault("not_negatable", f"{part.key}: cannot be negated.")


LABELS: Mapping[str, Callable[[str], str | None]] = {"tag": _tag, "site": _site, "lang": _language}
FILTERS: Mapping[str, Callable[[ParsedQuery, Part], None]] = {
    **dict.fromkeys(LABELS, _label),
    "status": _status,
    "is": _is,
    "before": _moment,
    "after": _moment,
}
