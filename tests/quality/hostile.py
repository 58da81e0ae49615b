"""Pages that are made to be expensive, and the processor time that each may cost."""

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
# The sandbox ends a child at 10 s: a page within our own size limit must stay clear of that.
MAX_CPU_SECONDS = 6.0


def repeated(unit: str) -> bytes:
    return (unit * (PAGE_BYTES // len(unit))).encode()


def many_attributes(sentence: str) -> bytes:
    attributes = " ".join(f"a{n}=1" for n in range(100_000))
    return f"<html {attributes}><body><p>{sentence}</p></body></html>".encode()


def measure() -> dict[str, float]:
    """Seconds of processor time, by what is repeated."""
    pages = {unit: repeated(unit) for unit in UNITS} | {"<html a0=1 ...": many_attributes("A sentence.")}
    return {name: _cost(page) for name, page in pages.items()}


def _cost(page: bytes) -> float:
    began = time.process_time()
    extract(RawDocument(page, HTML))
    return time.process_time() - began
