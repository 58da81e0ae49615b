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
from app.summaries.telling.service import CALLBACK
from app.summaries.vocabulary import Source


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
    submitted = parse_fetched_url(taken.url or "").canonical
    unchanged = Summary.url == taken.url
    key = submitted_key(Source.URL, canonical_url=submitted)
    return {
        "canonical_url": case((unchanged, claimed or submitted), else_=Summary.canonical_url),
        "submitted_key": case((unchanged, key), else_=null()),
        "http_etag": case((unchanged, validators.etag), else_=null()),
        "http_last_modified": case((unchanged, validators.last_modified), else_=null()),
    }
