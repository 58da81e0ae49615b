"""Headers as ASGI has them, for what stands in the way of every request: pairs of bytes, names in lower case.

Starlette's `Headers` and `MutableHeaders` do the same with ten times the work for one header.
"""

from collections.abc import Iterable, Sequence

from starlette.datastructures import MutableHeaders
from starlette.types import Message

RawHeader = tuple[bytes, bytes]


def first_header(headers: Iterable[RawHeader], name: bytes) -> bytes | None:
    for key, value in headers:
        if key == name:
            return value
    return None


def add_absent(start: Message, headers: Sequence[RawHeader]) -> None:
    """Those that the answer does not have yet; `start` is its first message."""
    there = {name for name, _ in start["headers"]}
    start["headers"] = [*start["headers"], *[header for header in headers if header[0] not in there]]


def put_headers(start: Message, headers: Sequence[RawHeader]) -> None:
    """In the place of whatever the answer has under these names."""
    names = {name for name, _ in headers}
    if names.isdisjoint([name for name, _ in start["headers"]]):
        start["headers"] = [*start["headers"], *headers]
        return
    present = MutableHeaders(scope=start)
    for name, value in headers:
        present[name.decode("latin-1")] = value.decode("latin-1")
