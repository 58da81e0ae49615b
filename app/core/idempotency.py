"""Idempotency-Key: a POST that is retried is done once, and answered as it was the first time.

Of the IETF's draft (draft-ietf-httpapi-idempotency-key-header): 409 while the first one runs, 422 where the
key came with another body before. The answer is written in the transaction that it tells of, so that neither
is there without the other; refusals and failures are not kept: a retry after one tries again.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import idempotency_store as store
from app.core.db import Database
from app.core.errors import ProblemError
from app.core.idempotency_seal import Answer, AnswerSeal, UnsealableError
from app.core.idempotency_store import Claim, Keeping, KeyedRequest

MAX_KEY_LENGTH = 255

# A structured field's string (RFC 8941, section 3.3.3), or the same without quotes, as most clients send it.
_QUOTED = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_BARE = re.compile(r"[\x21\x23-\x2b\x2d-\x7e]+")
_ESCAPED = re.compile(r"\\(.)")


class IdempotencyKeyMalformedError(ProblemError):
    code = "idempotency_key_malformed"
    status = 400
    title = "The Idempotency-Key cannot be read"
    meaning = "The header must hold one key of 1 to 255 printable ASCII characters, in double quotes or bare."
    hint = "Send a fresh UUID for each thing to be made, and the same one when you retry."


class IdempotencyKeyReusedError(ProblemError):
    code = "idempotency_key_reused"
    status = 422
    title = "The Idempotency-Key was used for another request"
    meaning = (
        "Within 24 hours this key came to this address with another body or, where the answer shows a "
        "secret, from a credential of other scopes: it cannot stand for both."
    )
    hint = "Send the very same body to retry, with the same scopes, or a new key for a new request."


class IdempotencyKeyInUseError(ProblemError):
    code = "idempotency_key_in_use"
    status = 409
    title = "A request with this Idempotency-Key is running"
    meaning = "The first request with this key has not been answered yet; none is begun beside it."
    hint = "Try again after the seconds in Retry-After: the answer will then be the first one's."
    retryable = True
    headers = {"Retry-After": "1"}  # noqa: RUF012  # read-only by its declared type


class IdempotentAnswerLostError(ProblemError):
    code = "idempotent_answer_lost"
    status = 409
    title = "It was done, but its answer can no longer be repeated"
    meaning = "The answer was sealed under a SECRET_KEY that the service has changed since."
    hint = "Look in the list for what the first request made; to make another, send a new key."


IDEMPOTENCY_ERRORS = (
    IdempotencyKeyMalformedError,
    IdempotencyKeyReusedError,
    IdempotencyKeyInUseError,
    IdempotentAnswerLostError,
)


class ReplayError(Exception):
    """Not a failure: ends the request before it acts, with the answer that its first one was given."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def parse_key(header: str) -> str:
    """Raises IdempotencyKeyMalformedError. Quoted and bare are one and the same key."""
    text = header.strip(" \t")
    quoted = _QUOTED.fullmatch(text)
    key = _ESCAPED.sub(r"\1", quoted.group(1)) if quoted else text
    if not (quoted or _BARE.fullmatch(text)) or not 0 < len(key) <= MAX_KEY_LENGTH:
        raise IdempotencyKeyMalformedError
    return key


class Once:
    """One request's claim to be the first with its key. Without a key nothing here does anything."""

    def __init__(self, request: KeyedRequest | None, *, seal: AnswerSeal, database: Database) -> None:
        self._request = request
        self._seal = seal
        self._database = database
        self._session: AsyncSession | None = None
        self._kept: Answer | None = None

    @property
    def keeps(self) -> bool:
        """Whether there is an answer to keep."""
        return self._request is not None

    def part(self, name: str) -> "Once":
        """Of a request with several transactions, one: done once by itself, under the request's key."""
        own = self._request and replace(self._request, route=f"{self._request.route}#{name}")
        return Once(own, seal=self._seal, database=self._database)

    def distinguish(self, facts: Iterable[str]) -> None:
        """Before `claim`: where these are others, it is another request, as with another body."""
        if self._request is not None:
            digest = hashlib.sha256("\n".join((self._request.fingerprint.hex(), *facts)).encode())
            self._request = replace(self._request, fingerprint=digest.digest())

    async def claim(self, session: AsyncSession) -> None:
        """In the transaction that will act, before it does. Raises what `check` does."""
        if self._request is not None:
            self.check(await store.claim(session, self._request))
            self._session = session

    def check(self, found: Claim) -> None:
        """For whoever claims the key themselves.

        Raises:
            ReplayError: it has been done before; also the errors above.
        """
        if self._request is None:
            return
        if found.answer is not None:
            raise ReplayError(self._answer_before(found, found.answer, self._request))
        if not found.is_locked:
            raise IdempotencyKeyInUseError

    def sealed(self, answer: Answer) -> Keeping | None:
        """Instead of `keep`: for whoever writes it themselves, and then tells `kept_at`."""
        if self._request is None:
            return None
        self._kept = answer
        return Keeping(self._request, self._seal.seal(answer, self._request))

    def kept_at(self, moment: datetime) -> None:
        """When what was sealed is written."""
        self._kept = self._kept and self._kept.at(moment)

    async def keep(self, session: AsyncSession, answer: Answer) -> None:
        """In the transaction of `claim`, once it has acted."""
        if self._request is not None:
            await store.keep(session, self._request, self._seal.seal(answer, self._request))
            self._kept = answer

    def keep_nothing(self) -> None:
        """Of what was asked not to be kept, its answer is not kept either: a retry acts again."""
        self._request = None

    async def finish(self, answer: Answer) -> None:
        """With what leaves. The transaction of `claim` is still open, or has kept an earlier answer."""
        session, kept = self._session, self._kept
        if self._request is None or answer == kept or (session is None and kept is None):
            return
        if session is not None and kept is None:
            await self.keep(session, answer)
        else:
            await store.replace(self._database, self._request, self._seal.seal(answer, self._request))

    def _answer_before(self, found: Claim, sealed: bytes, request: KeyedRequest) -> Answer:
        if found.fingerprint != request.fingerprint:
            raise IdempotencyKeyReusedError
        assert found.kept_at is not None  # noqa: S101  # as the answer is there; narrows for mypy
        try:
            return self._seal.open(sealed, request, kept_at=found.kept_at)
        except UnsealableError as error:
            raise IdempotentAnswerLostError(internal=str(error)) from error
