"""The names in a zip archive, read without trust: in the server's own process, so every step is bounded.

zipfile reads as large a directory as the archive claims to have: 20 MiB of it are 400,000 entries.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

END = b"PK\x05\x06"
ENTRY = b"PK\x01\x02"
# .ZIP File Format Specification 6.3.10, sections 4.3.12 and 4.3.16.
END_RECORD = struct.Struct("<4s4H2LH")
ENTRY_RECORD = struct.Struct("<4s6H3L5H2L")
LONGEST_COMMENT = 65_535
LARGEST_DIRECTORY = 1024 * 1024
ZIP64 = 0xFFFFFFFF
ENCRYPTED = 1


class BadArchiveError(ValueError):
    """Not an archive, or not one that an honest program writes at this size."""


@dataclass(frozen=True, slots=True)
class Entry:
    """`size` is what it unpacks to, as the archive claims."""

    name: bytes
    size: int
    is_encrypted: bool


def list_entries(file: BinaryIO) -> list[Entry]:
    """Raise BadArchiveError. The caller bounds the file; the directory may have 1 MiB of it."""
    length = file.seek(0, os.SEEK_END)
    file.seek(max(0, length - END_RECORD.size - LONGEST_COMMENT))
    tail = file.read()
    at = tail.rfind(END)
    if at < 0 or len(tail) - at < END_RECORD.size:
        raise BadArchiveError("no end of a directory")
    _, _, _, _, _, size, offset, _ = END_RECORD.unpack_from(tail, at)
    start = length - len(tail) + at - size
    if size > LARGEST_DIRECTORY or ZIP64 in {size, offset} or start < 0:
        raise BadArchiveError(f"a directory of {size} bytes")
    file.seek(start)
    return list(_entries(file.read(size)))


def _entries(directory: bytes) -> Iterator[Entry]:
    at = 0
    while at < len(directory):
        if len(directory) - at < ENTRY_RECORD.size or not directory.startswith(ENTRY, at):
            raise BadArchiveError("a broken directory")
        record = ENTRY_RECORD.unpack_from(directory, at)
        flags, size, name, extra, comment = record[3], record[9], *record[10:13]
        if size == ZIP64:
            raise BadArchiveError("an entry of 4 GiB")
        at += ENTRY_RECORD.size
        yield Entry(directory[at : at + name], size, bool(flags & ENCRYPTED))
        at += name + extra + comment
