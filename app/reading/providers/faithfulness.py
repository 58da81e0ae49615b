"""Whether a model's numbers and addresses stand in what it read: an invented one is what hurts a reader most.

Numbers in words ("two hundred") are not compared.
"""

import re
import unicodedata

GROUP_SPACES = " \u00a0\u2009\u202f'\u2019"
# Thousands grouped by a space or an apostrophe are one number; so is any run of digits, commas and points.
NUMBER = re.compile(rf"\d{{1,3}}(?:[{GROUP_SPACES}]\d{{3}})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)*")
GROUPED_BY_COMMA = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
GROUPED_BY_POINT = re.compile(r"\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?|\d{1,3}\.\d{3},\d+")
DECIMAL_COMMA = re.compile(r"\d+,\d+")
UNGROUPED = str.maketrans(dict.fromkeys(GROUP_SPACES))
# One character that is a number: a fraction, a circled or a Roman one.
NUMERAL_CATEGORIES = frozenset({"No", "Nl"})
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
ADDRESS = re.compile(
    r"(?<![a-z0-9])(?:"
    r"[a-z][a-z0-9+.-]{1,20}://[^\s<>\"]+"
    r"|(?:mailto|javascript|data|tel):[^\s<>\"]+"
    rf"|(?:[\w.+-]{{1,64}}@)?(?:{LABEL}\.){{1,8}}[a-z]{{2,24}}(?::\d+)?(?:[/?#][^\s<>\"]*)?)",
    re.IGNORECASE,
)
AROUND_ADDRESS = ".,;:!?'\u2019\u201d\u00bb\u3002\uff0c)]}*_`/"
SCHEME = re.compile(r"https?://(?:www\.)?|www\.")


def unfounded(answer: str, source: str) -> list[str]:
    """The numbers and addresses of `answer` that do not stand in `source`, an address in full."""
    return _strange_numbers(answer, source) + _strange_addresses(answer, source)


def _strange_numbers(answer: str, source: str) -> list[str]:
    known = {reading for token in NUMBER.findall(source) for reading in _source_readings(token)}
    strange = [token for token in NUMBER.findall(answer) if not _readings(token) & known]
    return strange + sorted(_numerals(answer) - _numerals(source))


def _readings(token: str) -> set[str]:
    """Every value that it may be meant for: "1,234" is English for 1234 and German for 1.234."""
    number = "".join(_ascii(character) for character in token.translate(UNGROUPED))
    readings = {number}
    if GROUPED_BY_COMMA.fullmatch(number):
        readings.add(number.replace(",", ""))
    if GROUPED_BY_POINT.fullmatch(number):
        readings.add(number.replace(".", "").replace(",", "."))
    if DECIMAL_COMMA.fullmatch(number):
        readings.add(number.replace(",", "."))
    return {reading.lstrip("0") or "0" if reading.isdecimal() else reading for reading in readings}


def _source_readings(token: str) -> set[str]:
    """Of "by 20 100 people" it is not told whether it holds one number or two: either may be quoted."""
    return _readings(token).union(*(_readings(part) for part in token.split(" ")))


def _ascii(character: str) -> str:
    return str(unicodedata.decimal(character, character))


def _numerals(text: str) -> set[str]:
    return {letter for letter in set(text) if unicodedata.category(letter) in NUMERAL_CATEGORIES}


def _strange_addresses(answer: str, source: str) -> list[str]:
    asked = ADDRESS.findall(answer)
    if not asked:
        return []
    known = {_bare(found) for found in ADDRESS.findall(source)}
    return [found for found in asked if _bare(found) not in known]


def _bare(address: str) -> str:
    return SCHEME.sub("", address.casefold().rstrip(AROUND_ADDRESS), count=1)
