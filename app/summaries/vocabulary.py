"""The closed lists that rows, bodies and jobs share."""

from enum import StrEnum


class Status(StrEnum):
    QUEUED = "queued"
    FETCHING = "fetching"
    EXTRACTING = "extracting"
    SUMMARISING = "summarising"
    READY = "ready"
    FAILED = "failed"


FINAL = frozenset({Status.READY, Status.FAILED})


class Visibility(StrEnum):
    PRIVATE = "private"
    ORGANIZATION = "organization"


class Source(StrEnum):
    URL = "url"
    TEXT = "text"
    HTML = "html"
