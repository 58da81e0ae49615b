"""Row ids: UUIDv7, so that an index grows at its end and ids sort by time (RFC 9562, section 5.7)."""

from uuid import UUID

from pydantic.json_schema import SkipJsonSchema
from uuid_utils import uuid7 as swift_uuid7
from uuid_utils.compat import uuid7

ID_LENGTH = 36
# What a path parameter says of itself in the OpenAPI document.
ID_SCHEMA = {"format": "uuid", "maxLength": ID_LENGTH}


# An optional query parameter: null cannot be sent in a query, so its schema does not offer it.
OptionalId = UUID | SkipJsonSchema[None]


def new_id() -> UUID:
    return uuid7()


def new_id_text() -> str:
    """As `str(new_id())`, which makes an object of the standard library's only to write it down."""
    return str(swift_uuid7())


def parse_id(text: str) -> UUID | None:
    """None for anything but the canonical form: to whoever asks, it is as unknown as any other id."""
    try:
        return UUID(text) if len(text) == ID_LENGTH else None
    except ValueError:
        return None
