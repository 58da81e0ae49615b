"""A feed's private address: made, and read as a feed reader does."""

from typing import Any
from urllib.parse import urlsplit

from httpx2 import AsyncClient, Response

from tests.factories import Person
from tests.summaries.shelf import PATH

FEED = f"{PATH}/feed"


async def make(client: AsyncClient, person: Person) -> dict[str, str]:
    answer = await client.post(FEED, headers=person.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made


async def read(client: AsyncClient, feed: dict[str, str], kind: str = "json", **options: Any) -> Response:
    # Any: the client's own options
    return await client.get(urlsplit(feed[f"{kind}_url"]).path, **options)
