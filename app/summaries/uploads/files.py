"""An uploaded file as the document that its summary is made of."""

import asyncio
import re
import unicodedata

from starlette.datastructures import UploadFile

from app.core.errors import BodyTooLargeError, FieldFault, UnsupportedMediaTypeError, ValidationFailedError
from app.reading.article import RawDocument
from app.reading.content_types import HTML
from app.reading.errors import ReadingError, Reason
from app.reading.file_types import HTML_BYTES, settle_file_type

MIB = 1024 * 1024
MAX_UPLOAD_BYTES = 20 * MIB
LONGEST_NAME = 255
PATH = re.compile(r"[/\\]")
# Controls, lone surrogates, and marks that turn the reading direction: photo_gpj.exe reads as photo_exe.jpg.
UNWANTED = frozenset({"Cc", "Cs", "Cn", "Co"})
TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
TYPE_HINT = "PDF, DOCX, HTML, Markdown and plain text can be summarised. A file's bytes say what it is."


def refuse_oversize(files: tuple[UploadFile, ...]) -> None:
    """All of them together may have as much as one alone."""
    if sum(file.size or 0 for file in files) > MAX_UPLOAD_BYTES:
        raise BodyTooLargeError("An upload may have 20 MiB", hint="Send fewer files, or smaller ones.")


def name_of(file: UploadFile) -> str | None:
    """Its last part only, and nothing that could not be stored or would deceive a reader."""
    last = PATH.split(file.filename or "")[-1]
    kept = (sign for sign in last if unicodedata.category(sign) not in UNWANTED and sign not in TURNING)
    return " ".join("".join(kept).split())[:LONGEST_NAME].strip(". ") or None


async def document_of(file: UploadFile, *, pointer: str) -> RawDocument:
    """All of it in memory, as the database wants it: let go of it soon. Raises ProblemError.

    `pointer` leads to the file in what was sent.
    """
    if not file.size:
        raise ValidationFailedError(faults=[FieldFault(pointer, "file_empty", "The file is empty")])
    name = name_of(file)
    media_type = await _type_of(file, name)
    if media_type == HTML and file.size > HTML_BYTES:
        raise BodyTooLargeError("An HTML file may have 5 MiB")
    await file.seek(0)
    return RawDocument(await file.read(), media_type, name=name)


async def _type_of(file: UploadFile, name: str | None) -> str:
    try:
        # In a thread: it may read from disk.
        return await asyncio.to_thread(
            settle_file_type, file.file, name=name or "", declared=file.content_type or ""
        )
    except ReadingError as error:
        if error.reason is Reason.TOO_LARGE:
            raise BodyTooLargeError("The document unpacks to more than 64 MiB") from error
        raise UnsupportedMediaTypeError(
            "The file is none of the types that can be summarised", hint=TYPE_HINT, internal=error.internal
        ) from error
