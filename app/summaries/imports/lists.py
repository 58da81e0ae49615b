"""Which kind of list it is, by what stands in it, and its links."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module

from app.summaries.imports.bookmarks import read_bookmarks
from app.summaries.imports.links import Link, MalformedListError, bounded
from app.summaries.imports.plain import delimiter_of, read_csv, read_lines

HEAD = 4096
BINARY = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
BOOKMARKS = re.compile(r"\s*<!DOCTYPE\s+NETSCAPE-Bookmark-file-1\b|<DT>\s*<(?:A|H3)\b", re.IGNORECASE)
OPML = re.compile(r"<opml[\s/>]")
MARKUP = re.compile(r"\s*<[!?A-Za-z]")
BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


class ListFormat(StrEnum):
    TEXT = "text"
    CSV = "csv"
    OPML = "opml"
    BOOKMARKS = "bookmarks"


class UnknownListError(Exception):
    """Neither text nor any of the formats that are read."""


@dataclass(frozen=True, slots=True)
class LinkList:
    format: ListFormat
    links: list[Link]


def read_list(body: bytes) -> LinkList:
    """Blocking. Raises UnknownListError, MalformedListError, TooManyRowsError."""
    text = _decoded(body)
    head = text[:HEAD]
    if BINARY.search(head):
        raise UnknownListError
    kind, links = _links(body, text, head)
    read = bounded(links)
    if not read:
        raise MalformedListError("list_empty", "There is no link in this list")
    return LinkList(kind, read)


def _links(body: bytes, text: str, head: str) -> tuple[ListFormat, Iterator[Link]]:
    if OPML.search(head):
        return ListFormat.OPML, _read_opml(body)
    if BOOKMARKS.search(head):
        return ListFormat.BOOKMARKS, read_bookmarks(text)
    if MARKUP.match(head):
        raise UnknownListError
    if delimiter := delimiter_of(head):
        return ListFormat.CSV, read_csv(text, delimiter)
    return ListFormat.TEXT, read_lines(text)


def _read_opml(body: bytes) -> Iterator[Link]:
    """By what is loaded with the first of them: parsers of XML are half a megabyte, and few ever need one."""
    links: Iterator[Link] = import_module("app.summaries.imports.opml").read_opml(body)
    return links


def _decoded(body: bytes) -> str:
    """UTF-8 unless a byte order mark says otherwise, or the bytes are none."""
    encoding = next((name for bom, name in BOMS.items() if body.startswith(bom)), "utf-8")
    try:
        return body.decode(encoding)
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")
