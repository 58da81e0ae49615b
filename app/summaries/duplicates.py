"""By what two submissions are told to be equal, and what became of one.

Equal: of the same author, not in the trash, not failed, asked for with the same options, and the same source:
a URL of the same canonical spelling (that of the submitted address, or the one that the page itself names),
or the same text, html or file. Only the author's own count, so that nobody learns what others have read.
"""

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import case, null

from app.reading.canonical import parse_fetched_url
from app.reading.courtesy import Validators
from app.summaries.models import Summary
from app.summaries.vocabulary import CALLBACK, Source


class Outcome(StrEnum):
    CREATED = "created"
    RETURNED = "returned"
    REFRESHED = "refreshed"


@dataclass(frozen=True, slots=True)
class Submission:
    summary: Summary
    outcome: Outcome


def without_callback(options: Mapping[str, Any]) -> dict[str, Any]:  # Any: JSON
    """What the summary is made by: whoever asks again wants to be told anew, or not at all."""
    return {name: value for name, value in options.items() if name != CALLBACK}


def fingerprint_of(text: str) -> bytes:
    """SHA-256 of a text's words: composed characters, one space between words, nothing around them."""
    words = " ".join(unicodedata.normalize("NFC", text).split())
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).digest()


def submitted_key(source: Source, *, canonical_url: str | None, content: str | bytes | None = None) -> bytes:
    """Of what was sent in. HTML of another address is another source: the page's facts depend on it."""
    digest = hashlib.sha256(f"{source}\n{canonical_url or ''}\n".encode())
    if isinstance(content, str):
        digest.update(fingerprint_of(content))
    elif content is not None:
        digest.update(hashlib.sha256(content).digest())
    return digest.digest()


def address_values(taken: Summary, claimed: str | None, validators: Validators) -> dict[str, Any]:  # Any: SQL
    """Once the page of `taken` was read: by which addresses it is known from now on, and its `validators`.

    `claimed` is the page's own, if it named one. Nothing is said where its user has changed the address
    meanwhile: what was read is of the former one.
    """
    unchanged = Summary.url == taken.url
    otherwise = {"canonical_url": Summary.canonical_url}
    return {
        name: case((unchanged, value), else_=otherwise.get(name, null()))
        for name, value in address_facts(taken, claimed, validators).items()
    }


def address_facts(taken: Summary, claimed: str | None, validators: Validators) -> dict[str, Any]:
    # Any: column values
    """The same where the address is still what it was."""
    submitted = parse_fetched_url(taken.url or "").canonical
    return {
        "canonical_url": claimed or submitted,
        "submitted_key": submitted_key(Source.URL, canonical_url=submitted),
        "http_etag": validators.etag,
        "http_last_modified": validators.last_modified,
    }
