"""The arithmetic of the audit log's chains: what is hashed, what is signed. No database (decision 0011)."""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from app.core.derived_keys import derive_key
from app.settings import Settings

# The chain of the entries that belong to no organisation.
PLATFORM = UUID(int=0)
NOTHING_BEFORE = bytes(32)
FORM = "precis audit 1"
# Where `audit_fields` puts what the platform's chain tells of other chains.
ACTION_FIELD, TARGET_FIELD = 2, 8
Fields = Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as text, in the order of the migration's `audit_fields`."""

    chain: UUID
    id: UUID
    fields: Fields


@dataclass(frozen=True, slots=True)
class Seal:
    chain: UUID
    seq: int
    entry_id: UUID
    prev_hash: bytes
    hash: bytes
    mac: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """A chain's last seal, and the seq up to which it has a checkpoint."""

    chain: UUID
    seq: int
    hash: bytes
    checkpointed: int
    mac: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`previous`: the seq of the chain's checkpoint before, 0 for the first."""

    chain: UUID
    seq: int
    previous: int
    hash: bytes
    mac: bytes


def entry_hash(chain: UUID, seq: int, fields: Fields, *, after: bytes) -> bytes:
    """SHA-256 of each field behind its length, None told apart from empty, and of the hash before."""
    return hashlib.sha256(_framed([FORM, str(chain), str(seq), *fields]) + after).digest()


def _framed(fields: Iterable[str | None]) -> bytes:
    return b"".join(_frame(field) for field in fields)


def _frame(field: str | None) -> bytes:
    if field is None:
        return b"\xff\xff\xff\xff"
    data = field.encode()
    return len(data).to_bytes(4, "big") + data


class AuditKey:
    """Signs with HMAC-SHA256; each kind of row in a domain of its own, so that none passes for another.

    What `former` keys signed counts too: a log outlives the secret that it began with.
    """

    def __init__(self, key: bytes, *, former: Sequence[bytes] = ()) -> None:
        self._keys = (key, *former)

    @classmethod
    def from_secret(cls, secret: str, *, former: Sequence[str] = ()) -> Self:
        key, *others = (derive_key(text, purpose="audit log") for text in (secret, *former))
        return cls(key, former=others)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls.from_secret(settings.signing_secret, former=settings.former_secrets)

    def seal(self, entry: Entry, *, seq: int, after: bytes) -> Seal:
        digest = entry_hash(entry.chain, seq, entry.fields, after=after)
        return Seal(entry.chain, seq, entry.id, after, digest, self._sign(SEAL, digest))

    def head(self, chain: UUID, *, seq: int, digest: bytes, checkpointed: int) -> Head:
        mac = self._sign(_head_domain(chain, seq, checkpointed), digest)
        return Head(chain, seq, digest, checkpointed, mac)

    def checkpoint(self, chain: UUID, *, seq: int, digest: bytes, previous: int) -> Checkpoint:
        mac = self._sign(_checkpoint_domain(chain, seq, previous), digest)
        return Checkpoint(chain, seq, previous, digest, mac)

    def signed_seal(self, seal: Seal) -> bool:
        return self._signed(SEAL, seal.hash, mac=seal.mac)

    def signed_head(self, head: Head) -> bool:
        return self._signed(_head_domain(head.chain, head.seq, head.checkpointed), head.hash, mac=head.mac)

    def signed_checkpoint(self, point: Checkpoint) -> bool:
        domain = _checkpoint_domain(point.chain, point.seq, point.previous)
        return self._signed(domain, point.hash, mac=point.mac)

    def _sign(self, domain: bytes, digest: bytes) -> bytes:
        return hmac.digest(self._keys[0], domain + digest, "sha256")

    def _signed(self, domain: bytes, digest: bytes, *, mac: bytes) -> bool:
        macs = (hmac.digest(key, domain + digest, "sha256") for key in self._keys)
        return any(hmac.compare_digest(ours, mac) for ours in macs)


def _head_domain(chain: UUID, seq: int, checkpointed: int) -> bytes:
    return _framed(["head", str(chain), str(seq), str(checkpointed)])


def _checkpoint_domain(chain: UUID, seq: int, previous: int) -> bytes:
    return _framed(["checkpoint", str(chain), str(seq), str(previous)])


SEAL = _framed(["seal"])
