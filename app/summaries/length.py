"""How long a summary is to be, as it is asked for."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from app.core.schemas import JsonInt, RequestModel

NamedLength = Annotated[Literal["short", "medium", "long"], Tag("Named")]


class Words(RequestModel):
    words: JsonInt = Field(ge=10, le=1000)


class Sentences(RequestModel):
    sentences: JsonInt = Field(ge=1, le=50)


def kind_of_length(given: object) -> str:
    """By its looks: what is wrong is told of the kind that was meant, and not of all three."""
    if isinstance(given, Sentences) or (isinstance(given, dict) and "sentences" in given):
        return "Sentences"
    return "Words" if isinstance(given, Words | dict) else "Named"


BY_KIND = Discriminator(kind_of_length)
LengthChoice = Annotated[
    NamedLength | Annotated[Words, Tag("Words")] | Annotated[Sentences, Tag("Sentences")], BY_KIND
]
