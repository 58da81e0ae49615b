"""A multipart body, whole and within bounds, or refused: Starlette's parser takes a torn one for complete."""

from contextlib import aclosing

from fastapi import Request
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect
from typing_extensions import override

from app.core.errors import MalformedRequestError

HINT = "Send a form: Content-Type: multipart/form-data with its boundary, as curl -F does."
MAX_FILES = 10
MAX_FIELDS = 50
# The longest option is a note of 10,000 characters.
MAX_FIELD_BYTES = 64 * 1024


class _WholeForm(MultiPartParser):
    is_whole = False

    @override
    def on_end(self) -> None:
        self.is_whole = True

    def close(self) -> None:
        """Also the file that the body broke off in, which is in no form."""
        for file in self._files_to_close_on_error:
            file.close()


async def parse_form(request: Request) -> FormData:
    """Its files are nameless on disk from a megabyte on. Raises MalformedRequestError."""
    async with aclosing(request.stream()) as body:
        parser = _WholeForm(
            request.headers,
            body,
            max_files=MAX_FILES,
            max_fields=MAX_FIELDS,
            max_part_size=MAX_FIELD_BYTES,
        )
        try:
            form = await parser.parse()
        except MultiPartException as error:
            # The parser's own words: how many there may be, or what is missing.
            raise MalformedRequestError(error.message, hint=HINT) from error
        except ClientDisconnect as error:
            raise MalformedRequestError("The upload broke off") from error
    if not parser.is_whole:
        parser.close()
        raise MalformedRequestError("The form has no end", hint=HINT)
    return form
