"""Passwords that attackers try first, as a Bloom filter over SHA-1: no list of passwords is shipped.

`breached_passwords.bloom` is made by scripts/build_breached_passwords.py, which says from what. A password in
the list is always found; another is taken for one with a chance below one in a million.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Self

HASHES = 20
FILTER = Path(__file__).with_name("breached_passwords.bloom")


def bit_positions(password: str, *, bits: int) -> Iterator[int]:
    """Yield the filter's bits for a password (double hashing, Kirsch and Mitzenmacher 2006)."""
    digest = hashlib.sha1(password.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
    first = int.from_bytes(digest[:8], "big")
    step = int.from_bytes(digest[8:16], "big") | 1
    for number in range(HASHES):
        yield (first + number * step) % bits


@dataclass(frozen=True, slots=True)
class BreachedPasswords:
    """`content` is the bit array, least significant bit of each byte first."""

    content: bytes | mmap

    @classmethod
    def bundled(cls) -> Self:
        # Of a megabyte a password is asked in 20 places, and all processes share the system's copy.
        with FILTER.open("rb") as file:
            return cls(mmap(file.fileno(), 0, access=ACCESS_READ))

    def __contains__(self, password: str) -> bool:
        positions = bit_positions(password, bits=8 * len(self.content))
        return all(self.content[position // 8] >> position % 8 & 1 for position in positions)
