"""What the import's route is given."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from pydantic import ValidationError

from app.core.errors import BodyTooLargeError, FieldFault, UnsupportedMediaTypeError, ValidationFailedError
from app.core.guard import OwnSession
from app.core.idempotency_route import OnceDep
from app.core.limits import AsyncLimiter, Hit, Limit
from app.core.validation_faults import faults_of
from app.summaries.batches.parameters import batch_intake
from app.summaries.batches.service import BatchIntake, Taken
from app.summaries.imports.links import MAX_ROWS, Link, MalformedListError, TooManyRowsError
from app.summaries.imports.lists import LinkList, UnknownListError, read_list
from app.summaries.parameters import CanWriteSummaries, IntakeDep
from app.summaries.schemas import SummaryDraft
from app.summaries.uploads.forms import FILE, FormDep, Options, SubmittedForm, options_of, validated
from app.summaries.uploads.schemas import OPTION_FIELDS, FormDraft, WrittenDraft
from app.summaries.vocabulary import OnDuplicate

# A list has many titles, and whoever imports one wants to keep it.
IMPORT_FIELDS = OPTION_FIELDS - {"title", "store"}
TYPE_HINT = "Send text with a URL a line, CSV with a column url, OPML, or a browser's bookmarks as HTML."


@dataclass(frozen=True, slots=True)
class ImportJob:
    form: SubmittedForm
    options: Options
    batch: BatchIntake

    async def read(self) -> LinkList:
        """Raises ProblemError."""
        if self.form.is_list:
            raise ValidationFailedError(
                faults=[FieldFault("/files", "extra_forbidden", "Send one list, as file")]
            )
        body = await self.form.files[0].read()
        try:
            # In a thread: a list of megabytes takes a second.
            return await asyncio.to_thread(read_list, body)
        except UnknownListError as error:
            raise UnsupportedMediaTypeError("The file is no list of links", hint=TYPE_HINT) from error
        except TooManyRowsError as error:
            raise BodyTooLargeError(f"A list may have {MAX_ROWS} rows", hint="Send it in parts.") from error
        except MalformedListError as error:
            raise ValidationFailedError(faults=[FieldFault(f"/{FILE}", error.code, error.detail)]) from error

    async def take(self, read: LinkList) -> list[Taken]:
        async with self.batch.opened():
            return [
                await self.batch.take(str(index), self._maker(link)) for index, link in enumerate(read.links)
            ]

    def _maker(self, link: Link) -> Callable[[], Awaitable[SummaryDraft]]:
        async def make() -> SummaryDraft:
            return draft_of(link, self.options)

        return make


def draft_of(link: Link, options: Options) -> SummaryDraft:
    """The row's own words, and the request's for all rows. Raises ValidationFailedError."""
    own: Options = {"url": link.url, "title": link.title, "tags": [*options.get("tags", []), *link.tags]}
    fields = {**options, **own, "notes": link.notes or options.get("notes")}
    try:
        return WrittenDraft.model_validate(fields)
    except ValidationError as error:
        raise ValidationFailedError(faults=faults_of(error, fields)) from error


async def count_import(request: Request, principal: CanWriteSummaries) -> None:
    """Beside the limit of single requests, which a list of a thousand rows would never pass row by row."""
    limiter: AsyncLimiter = request.app.state.limiter
    await limiter.enforce(request, [Hit(Limit.IMPORT, principal.tenant)])


async def _admitted() -> None:
    """Its rows are not counted by the minute: as one import, and each against the month's quota."""


async def get_import(
    form: FormDep,
    principal: CanWriteSummaries,
    intake: IntakeDep,
    once: OnceDep,
    session: OwnSession,
    request: Request,
) -> ImportJob:
    options = {"on_duplicate": OnDuplicate.RETURN} | options_of(form.fields, allowed=IMPORT_FIELDS)
    validated(FormDraft, options)
    batch = batch_intake(request, intake, once, principal=principal, session=session, admit=_admitted)
    return ImportJob(form, options, batch)


ImportDep = Annotated[ImportJob, Depends(get_import)]
