"""Pages that are made to be expensive, and the processor time that each costs."""

import time

from app.reading.article import RawDocument
from app.reading.content_types import HTML
from app.reading.extract import extract

UNITS = (
    "<div><p>foo bar baz.</p></div>",
    "<a href=x>y</a>",
    "<p><a href=x>y</a></p>",
    "<tr><td>w",
    "w<br>",
    "w<script></script>",
)
PAGE_BYTES = 5_000_000


def repeated(unit: str) -> bytes:
    return (unit * (PAGE_BYTES // len(unit))).encode()


def many_attributes(sentence: str) -> bytes:
    attributes = " ".join(f"a{n}=1" for n in range(100_000))
    return f"<html {attributes}><body><p>{sentence}</p></body></html>".encode()


def pages() -> dict[str, bytes]:
    """By what is repeated."""
    return {unit: repeated(unit) for unit in UNITS} | {"<html a0=1 ...": many_attributes("A sentence.")}


def cost(page: bytes) -> float:
    """In milliseconds of processor time."""
    began = time.process_time()
    extract(RawDocument(page, HTML))
    return (time.process_time() - began) * 1000
