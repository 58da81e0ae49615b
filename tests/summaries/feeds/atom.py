"""Atom as a reader of feeds finds it: what must be there is there."""

from typing import Any
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

ATOM = "{http://www.w3.org/2005/Atom}"


def parsed(document: bytes) -> Element:
    root: Any = fromstring(document)  # Any: the library's stub knows of no root
    assert isinstance(root, Element)
    return root


def child(parent: Element, name: str) -> Element:
    found = parent.find(f"{ATOM}{name}")
    assert found is not None, name
    return found


def text_of(parent: Element, name: str) -> str:
    text = parent.findtext(f"{ATOM}{name}")
    assert text is not None, name
    return text
