"""OPML 2.0: outlines in outlines. Read as a stream, so that neither size nor depth can hurt."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.sax import SAXException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl, Locator

from defusedxml import DefusedXmlException
from defusedxml.sax import parseString
from typing_extensions import override

from app.summaries.imports.links import (
    LONGEST_NOTES,
    LONGEST_TITLE,
    MAX_ROWS,
    Link,
    MalformedListError,
    clipped,
    tags_of,
)

MAX_DEPTH = 100
OUTLINE = "outline"


class _FullError(Exception):
    """More rows than are taken: nobody needs the rest."""


@dataclass
class _Outlines(ContentHandler):
    links: list[Link] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    is_opml: bool = False
    depth: int = 0
    locator: Locator | None = None

    @override
    def setDocumentLocator(self, locator: Locator) -> None:
        self.locator = locator

    @override
    def startElement(self, name: str, attrs: "AttributesImpl[str]") -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise MalformedListError("opml_depth", f"Outlines may be {MAX_DEPTH} deep")
        self.is_opml = self.is_opml or (self.depth == 1 and name == "opml")
        if name != OUTLINE:
            return
        words = attrs.get("title") or attrs.get("text") or ""
        url = attrs.get("url") or attrs.get("htmlUrl") or attrs.get("xmlUrl")
        if url is not None:
            self._add(url, words, attrs)
        self.folders.append("" if url is not None else words)

    @override
    def endElement(self, name: str) -> None:
        self.depth -= 1
        if name == OUTLINE:
            self.folders.pop()

    def _add(self, url: str, words: str, attrs: "AttributesImpl[str]") -> None:
        categories = (name.strip("/ ") for name in (attrs.get("category") or "").split(","))
        self.links.append(
            Link(
                (self.locator and self.locator.getLineNumber()) or 1,
                url.strip(),
                clipped(words, LONGEST_TITLE),
                tags_of([*self.folders, *categories]),
                clipped(attrs.get("description"), LONGEST_NOTES),
            )
        )
        if len(self.links) > MAX_ROWS:
            raise _FullError


def read_opml(body: bytes) -> Iterator[Link]:
    """Raises MalformedListError; entities are refused, whatever they would expand to."""
    outlines = _Outlines()
    try:
        parseString(body, outlines)
    except _FullError:
        pass
    except DefusedXmlException as error:
        raise MalformedListError("opml_entities", "Entities are not allowed in a list") from error
    except (SAXException, ValueError, LookupError) as error:
        # ValueError and LookupError: an encoding that the parser does not know.
        raise MalformedListError("opml_malformed", "This is no well-formed XML") from error
    if not outlines.is_opml:
        raise MalformedListError("opml_root", "The root element is not opml")
    return iter(outlines.links)
