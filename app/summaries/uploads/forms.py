"""A multipart form: its files on disk, its fields as the options of a draft."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile

from app.core.errors import (
    FieldFault,
    UnsupportedMediaTypeError,
    ValidationFailedError,
)
from app.core.validation_faults import faults_of
from app.summaries.parameters import CanWriteSummaries
from app.summaries.uploads.multipart import HINT, parse_form

MULTIPART = "multipart/form-data"
FILE, FILES, TAGS = "file", "files", "tags"
LENGTHS = ("length", "words", "sentences")

Options = dict[str, Any]  # Any: what pydantic is given
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class SubmittedForm:
    """`is_list`: sent as `files`, to be answered one by one."""

    fields: dict[str, list[str]]
    files: tuple[UploadFile, ...]
    is_list: bool


async def read_form(request: Request, _principal: CanWriteSummaries) -> AsyncIterator[SubmittedForm]:
    """Only once it is known who sends it: FastAPI itself would read the body before it asks.

    Its files are gone when this ends, however it does.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MULTIPART:
        raise UnsupportedMediaTypeError(hint=HINT)
    form = await parse_form(request)
    # For the fingerprint of an Idempotency-Key, which would ask for the body again.
    request.state.form = form
    try:
        yield _sorted(form)
    finally:
        await form.close()


FormDep = Annotated[SubmittedForm, Depends(read_form, scope="function")]


def _sorted(form: FormData) -> SubmittedForm:
    faults = list(_misplaced(form))
    if faults:
        raise ValidationFailedError(faults=faults)
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    # What a browser sends where no file was chosen.
    chosen = tuple(file for file in files if file.filename or file.size)
    if not chosen:
        raise ValidationFailedError(faults=[FieldFault(f"/{FILE}", "missing", "Send a file")])
    fields: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str) and value:
            fields.setdefault(name, []).append(value)
    return SubmittedForm(fields, chosen, is_list=FILES in form)


def _misplaced(form: FormData) -> Iterator[FieldFault]:
    if FILE in form and FILES in form:
        yield FieldFault(f"/{FILES}", "files_ambiguous", "Send one file, or files, not both")
    if len(form.getlist(FILE)) > 1:
        yield FieldFault(f"/{FILE}", "repeated", "Send several as files")
    for name, value in form.multi_items():
        if isinstance(value, UploadFile) != (name in {FILE, FILES}):
            wanted = "a file, with a file name" if isinstance(value, str) else "plain text"
            yield FieldFault(f"/{name}", "field_kind", f"This must be {wanted}")


def options_of(fields: dict[str, list[str]], *, allowed: frozenset[str]) -> Options:
    """As a JSON body would name them. Raises ValidationFailedError."""
    faults = [
        FieldFault(f"/{name}", "extra_forbidden", "This field is not known here")
        for name in fields
        if name not in allowed
    ]
    counted = Counter({name: len(values) for name, values in fields.items() if name != TAGS})
    faults += [FieldFault(f"/{name}", "repeated", "Send it once") for name in counted if counted[name] > 1]
    given = [name for name in LENGTHS if name in fields]
    if len(given) > 1:
        faults.append(
            FieldFault(f"/{given[1]}", "length_ambiguous", "Send only one of " + ", ".join(LENGTHS))
        )
    if faults:
        raise ValidationFailedError(faults=faults)
    options: Options = {name: values[0] for name, values in fields.items() if name != TAGS}
    for unit in LENGTHS[1:]:
        if unit in options:
            options["length"] = {unit: options.pop(unit)}
    if TAGS in fields:
        options[TAGS] = [tag for value in fields[TAGS] for tag in value.split(",") if tag.strip()]
    return options


def validated(model: type[Model], options: Options) -> Model:
    """Raises ValidationFailedError, whose pointers name the form's own fields."""
    try:
        return model.model_validate(options)
    except ValidationError as error:
        faults = [
            replace(fault, pointer=fault.pointer.replace("/length/", "/"))
            for fault in faults_of(error, options)
        ]
        raise ValidationFailedError(faults=faults) from error
