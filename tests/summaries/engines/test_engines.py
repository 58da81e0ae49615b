"""What a summary says of who wrote it, through the job and the API; the model is a stub on the loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from typing_extensions import override

from app.reading.article import Article, Length, Style
from app.reading.providers.errors import FallbackReason, ProviderError
from app.reading.providers.options import ProviderLimits, ProviderOptions
from app.reading.providers.provider import Provider, Written
from app.summaries.engines import Wish, compose, extra_seconds
from app.summaries.tasks import summarise
from app.summaries.vocabulary import Engine
from tests.factories import Person
from tests.reading.providers.stub import USAGE, Behaviour, serve, silent, status, streamed, whole
from tests.summaries.shelf import PATH, create
from tests.summaries.workbench import ARTICLE, SUMMARY, ScriptedReader, bench_of, key_of

pytestmark = pytest.mark.integration

IMPATIENT = ProviderLimits(read_seconds=0.2, total_seconds=0.3, first_pause_seconds=0.001)


@dataclass
class ScriptedModel:
    error: ProviderError | None = None
    asked: list[Article] = field(default_factory=list)

    async def summarise(self, article: Article, **_: Any) -> Written:
        self.asked.append(article)
        if self.error:
            raise self.error
        return Written("It rained.", 2, "stub-1", None)


@asynccontextmanager
async def provider(*script: Behaviour) -> AsyncIterator[Provider]:
    async with serve(*script) as stub:
        model = await asyncio.to_thread(Provider, ProviderOptions(stub.base_url, "small-1", limits=IMPATIENT))
        try:
            yield model
        finally:
            await model.aclose()


async def read(
    client: AsyncClient, person: Person, app: FastAPI, model: Provider | None, **options: Any
) -> dict[str, Any]:
    """A summary of these options after its job."""
    created = await create(client, person, **options)
    await summarise(replace(bench_of(app), model=model), key_of(person, created["id"]), tries=0)
    answer = await client.get(f"{PATH}/{created['id']}", headers=person.headers)
    body: dict[str, Any] = answer.json()
    return body


def authorship(body: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(body[name] for name in ("status", "engine", "model", "usage", "fallback_reason"))


async def test_unknown_engines_and_styles_are_refused(client: AsyncClient, alice: Person) -> None:
    for option in ({"engine": "magic"}, {"style": "haiku"}, {"length": {"words": 1001}}):
        body = {"text": "Some words.", **option}
        assert (await client.post(PATH, json=body, headers=alice.headers)).status_code == 422


async def test_without_a_provider_the_extractive_engine_answers_and_says_so(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    body = await read(client, alice, app, None, engine="provider")
    assert authorship(body) == ("ready", "extractive", None, None, "provider_unconfigured")
    assert body["sentences"]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        pytest.param(silent, "provider_timeout", id="silent"),
        pytest.param(status("429 Too Many Requests", Retry_After="60"), "provider_rate_limited", id="429"),
        pytest.param(status("500 Internal Server Error"), "provider_error", id="500"),
        pytest.param(status("401 Unauthorized"), "provider_refused", id="401"),
        pytest.param(whole(""), "provider_invalid_answer", id="empty"),
    ],
)
async def test_whatever_the_provider_does_there_is_a_summary_and_a_reason(
    client: AsyncClient, alice: Person, app: FastAPI, behaviour: Behaviour, reason: str
) -> None:
    async with provider(behaviour) as model:
        body = await read(client, alice, app, model, engine="provider")
    assert (body["status"], body["engine"], body["fallback_reason"]) == ("ready", "extractive", reason)
    assert (body["summary"], body["sentences"][0]["text"]) == ("Rain fell.", "Rain fell.")


async def test_a_models_words_have_no_offsets_and_name_their_author(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    async with provider(streamed("It rained, then it stopped.")) as model:
        body = await read(client, alice, app, model, engine="provider", style="bullets")
    assert authorship(body) == ("ready", "provider", "stub-1", USAGE, None)
    assert (body["summary"].strip(), body["sentences"]) == ("It rained, then it stopped.", [])
    assert (body["key_points"], body["style"]) == (["Rain fell."], "bullets")


async def test_the_extractive_engine_asks_nobody(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    async with provider(whole("It rained.")) as model:
        body = await read(client, alice, app, model, style="headline")
    assert authorship(body) == ("ready", "extractive", None, None, None)


async def test_a_description_that_stands_in_for_a_text_is_not_sent_anywhere() -> None:
    class Described(ScriptedReader):
        @override
        async def summarise_article(self, *args: Any, **style: Any) -> Any:
            return replace(await super().summarise_article(*args, **style), from_description=True)

    model = ScriptedModel()
    wish = Wish.of({"engine": "provider"})
    composed = await compose(ARTICLE, wish, reader=Described(), model=model)
    assert (composed.fallback_reason, model.asked) == (FallbackReason.NOT_ASKED, [])


async def test_what_an_unusable_answer_cost_is_kept() -> None:
    error = ProviderError(FallbackReason.UNFAITHFUL, usage=USAGE)
    wish = Wish.of({"engine": "provider"})
    composed = await compose(ARTICLE, wish, reader=ScriptedReader(), model=ScriptedModel(error))
    columns = {"engine": Engine.EXTRACTIVE, "model": None, "usage": USAGE}
    assert composed.columns() == columns | {"fallback_reason": "provider_unfaithful"}
    assert composed.result.summary == SUMMARY


@pytest.mark.unit
def test_only_a_summary_by_the_model_gets_the_models_time() -> None:
    assert extra_seconds({}) == 0
    assert extra_seconds({"engine": "extractive"}) == 0
    assert extra_seconds({"engine": "provider"}) > ProviderLimits().total_seconds


@pytest.mark.unit
def test_rows_of_before_the_options_are_paragraphs_by_the_extractive_engine() -> None:
    assert Wish.of({}) == Wish(Length(100), Style.PARAGRAPH, Engine.EXTRACTIVE)
