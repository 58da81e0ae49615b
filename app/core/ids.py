"""Row ids: UUIDv7, so that an index grows at its end and ids sort by time (RFC 9562, section 5.7)."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    return uuid7()
