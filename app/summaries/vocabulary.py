"""The names and closed lists that rows, bodies and jobs share."""

from enum import StrEnum

from app.reading import article

# The job that reads and summarises.
SUMMARISE = "summaries.summarise"
# Among a summary's options: the address that its author wants to be told at when it is done.
CALLBACK = "callback"
# One list for the bodies that ask for it and the reading that obeys it.
Style = article.Style


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
    FILE = "file"


class Engine(StrEnum):
    """`provider` is the operator's OpenAI-compatible endpoint; where it fails, `extractive` answers."""

    EXTRACTIVE = "extractive"
    PROVIDER = "provider"


class OnDuplicate(StrEnum):
    """What is done where an equal summary exists."""

    RETURN = "return"
    REFRESH = "refresh"
    NEW = "new"
