"""Pages that are made to be expensive, and the processor time that each may cost."""

from functools import partial

from app.reading.article import RawDocument
from app.reading.content_types import HTML
from app.reading.extract import extract
from tests.quality.processor import least_seconds

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
    return {
        name: least_seconds(partial(extract, RawDocument(page, HTML)), most=MAX_CPU_SECONDS)
        for name, page in pages.items()
    }
