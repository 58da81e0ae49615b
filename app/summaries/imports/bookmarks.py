"""Netscape's bookmarks file, which every browser writes: HTML whose lists were never closed properly.

Read by a pattern that looks at each character once: html.parser is quadratic in tags that nobody closes.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from app.summaries.imports.links import LONGEST_NOTES, LONGEST_TITLE, Link, TooManyRowsError, clipped, tags_of

TAG = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9]{0,9})\b(?P<attributes>[^<>]*)>(?P<words>[^<]*)")
ATTRIBUTE = re.compile(r"(?P<name>[A-Za-z_]{1,40})\s*=\s*(?:\"(?P<value>[^\"]*)\"|'(?P<single>[^']*)')")
# Of the browser's own: no folder that anybody named.
ROOTS = frozenset({"PERSONAL_TOOLBAR_FOLDER", "UNFILED_BOOKMARKS_FOLDER"})
MAX_DEPTH = 100
# An icon may stand after these, as long as a book.
LONGEST_ATTRIBUTES = 20_000
# A thousand bookmarks, each in a folder of its own, have a quarter of it.
MAX_TAGS_READ = 40_000
# What stands after a bookmark and its description.
ENDING = frozenset({"a", "h3", "dl", "/dl"})


@dataclass
class _Shelf:
    """`folders` is the path; `heading` is a folder that has been named and not yet opened."""

    folders: list[str] = field(default_factory=list)
    heading: str = ""
    depth: int = 0
    # Its description may follow.
    pending: Link | None = None

    def see(self, name: str, tag: re.Match[str], line: int) -> None:
        match name:
            case "a":
                self.pending = _link(tag, line, self.folders)
            case "dd" if self.pending is not None:
                notes = clipped(html.unescape(tag["words"]), LONGEST_NOTES)
                self.pending = replace(self.pending, notes=notes)
            case "h3":
                own = not ROOTS & _attributes(tag["attributes"]).keys()
                self.heading = html.unescape(tag["words"]) if own else ""
            case "dl":
                self._open()
            case "/dl":
                self._close()
            case _:
                pass

    def hand_out(self) -> Iterator[Link]:
        if self.pending is not None:
            yield self.pending
            self.pending = None

    def _open(self) -> None:
        self.depth += 1
        if self.depth <= MAX_DEPTH:
            self.folders.append(self.heading)
        self.heading = ""

    def _close(self) -> None:
        if 0 < self.depth <= MAX_DEPTH:
            self.folders.pop()
        self.depth = max(0, self.depth - 1)


def read_bookmarks(text: str) -> Iterator[Link]:
    """Raises TooManyRowsError for more tags than so many bookmarks need."""
    shelf = _Shelf()
    line, counted = 1, 0
    for number, tag in enumerate(TAG.finditer(text)):
        if number > MAX_TAGS_READ:
            raise TooManyRowsError
        line += text.count("\n", counted, tag.start())
        counted = tag.start()
        name = tag["end"] + tag["name"].lower()
        if name in ENDING:
            yield from shelf.hand_out()
        shelf.see(name, tag, line)
    yield from shelf.hand_out()


def _link(tag: re.Match[str], line: int, folders: list[str]) -> Link | None:
    attributes = _attributes(tag["attributes"])
    if "HREF" not in attributes:
        return None
    own = attributes.get("TAGS", "").split(",")
    title = clipped(html.unescape(tag["words"]), LONGEST_TITLE)
    return Link(line, attributes["HREF"].strip(), title, tags_of([*folders, *own]))


def _attributes(text: str) -> dict[str, str]:
    return {
        found["name"].upper(): html.unescape(found["value"] or found["single"] or "")
        for found in ATTRIBUTE.finditer(text[:LONGEST_ATTRIBUTES])
    }
