"""Zip archives that no honest program writes."""

import struct
import zipfile
from io import BytesIO

END = struct.Struct("<4s4H2LH")


def archive(*names: str, content: bytes = b"x") -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name in names:
            made.writestr(name, content)
    return out.getvalue()


def claiming(body: bytes, *, directory_bytes: int | None = None, offset: int | None = None) -> bytes:
    """The same archive, whose last record lies about its directory."""
    at = body.rindex(b"PK\x05\x06")
    fields = list(END.unpack_from(body, at))
    fields[5] = fields[5] if directory_bytes is None else directory_bytes
    fields[6] = fields[6] if offset is None else offset
    return body[:at] + END.pack(*fields) + body[at + END.size :]


def with_entry_size(body: bytes, size: int) -> bytes:
    """The first entry of the directory claims to unpack to so much."""
    at = body.index(b"PK\x01\x02") + 24
    return body[:at] + struct.pack("<L", size) + body[at + 4 :]


def encrypted(body: bytes) -> bytes:
    """The first entry of the directory says that it is."""
    at = body.index(b"PK\x01\x02") + 8
    return body[:at] + struct.pack("<H", 1) + body[at + 2 :]


def with_part(body: bytes, name: str, content: str) -> bytes:
    """The same archive, one of its parts replaced."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(body)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for entry in source.infolist():
            made.writestr(entry.filename, content if entry.filename == name else source.read(entry))
    return out.getvalue()
