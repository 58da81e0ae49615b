"""What the upload's route is given."""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import UploadFile

from app.summaries.batches.parameters import BatchIntakeDep
from app.summaries.batches.service import BatchIntake, Taken
from app.summaries.duplicates import Submission
from app.summaries.intake import Intake
from app.summaries.parameters import IntakeDep
from app.summaries.uploads.files import document_of, refuse_oversize
from app.summaries.uploads.forms import FILE, FILES, FormDep, Options, SubmittedForm, options_of, validated
from app.summaries.uploads.schemas import OPTION_FIELDS, FileDraft, FormDraft


@dataclass(frozen=True, slots=True)
class Upload:
    """`slots`: documents in memory at a time, in this process."""

    form: SubmittedForm
    options: Options
    intake: Intake
    batch: BatchIntake
    slots: asyncio.Semaphore

    async def take_one(self, *, wait_seconds: int) -> Submission:
        async with self.slots:
            submission = await self.intake.take(await self._draft(self.form.files[0], pointer=f"/{FILE}"))
        return await self.intake.finished(submission, wait_seconds=wait_seconds)

    async def take_all(self) -> list[Taken]:
        async with self.batch.opened():
            return [await self._take(index) for index in range(len(self.form.files))]

    async def _take(self, index: int) -> Taken:
        async with self.slots:
            draft = partial(self._draft, self.form.files[index], pointer=f"/{FILES}/{index}")
            return await self.batch.take(str(index), draft)

    async def _draft(self, file: UploadFile, *, pointer: str) -> FileDraft:
        document = await document_of(file, pointer=pointer)
        return FileDraft.model_validate({**self.options, "document": document})


# The form first: an Idempotency-Key's fingerprint reads it, too, and would set no bounds.
async def get_upload(form: FormDep, intake: IntakeDep, batch: BatchIntakeDep, request: Request) -> Upload:
    refuse_oversize(form.files)
    options = options_of(form.fields, allowed=OPTION_FIELDS)
    validated(FormDraft, options)
    return Upload(form, options, intake, batch, request.app.state.document_slots)


UploadDep = Annotated[Upload, Depends(get_upload)]
