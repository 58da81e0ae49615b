"""What comes in a form: the options of a draft, and files in place of its source."""

from typing import Annotated, Self

from pydantic import Field, Tag, model_validator
from typing_extensions import override

from app.reading.article import RawDocument
from app.summaries.length import BY_KIND, NamedLength, Sentences, Words
from app.summaries.schemas import STORE, SummaryDraft


class WrittenWords(Words):
    words: int = Field(ge=10, le=1000)


class WrittenSentences(Sentences):
    sentences: int = Field(ge=1, le=50)


InWords = Annotated[WrittenWords, Tag("Words")]
InSentences = Annotated[WrittenSentences, Tag("Sentences")]
WrittenLength = Annotated[NamedLength | InWords | InSentences, BY_KIND]


class WrittenDraft(SummaryDraft):
    """Of a form's fields: numbers and booleans come as text."""

    length: WrittenLength = "medium"
    store: bool = Field(True, description=STORE)


class FormDraft(WrittenDraft):
    """Never a body: the form's reader has taken out what is no option."""

    @model_validator(mode="after")
    @override
    def _one_source(self) -> Self:
        return self


class FileDraft(FormDraft):
    """`document` has the file's bytes, its name and its settled type."""

    document: RawDocument = Field(exclude=True, repr=False)


OPTION_FIELDS = frozenset(FormDraft.model_fields) - {"url", "text", "html"} | {"words", "sentences"}
