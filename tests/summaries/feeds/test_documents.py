"""What a feed's documents make of what was kept."""

import json
from datetime import UTC, datetime

import pytest

from app.core.ids import new_id
from app.summaries.feeds.documents import atom, json_feed
from app.summaries.feeds.service import OpenedFeed
from app.summaries.models import Summary
from tests.summaries.feeds.atom import ATOM, child, parsed

pytestmark = pytest.mark.unit

BASE = "https://precis.example"


def feed_of(url: str) -> OpenedFeed:
    now = datetime.now(UTC)
    lists: dict[str, list[str]] = {"key_points": [], "tags": []}
    return OpenedFeed(new_id(), [Summary(id=new_id(), url=url, created_at=now, updated_at=now, **lists)])


def test_bullets_are_a_list_and_still_text() -> None:
    feed = feed_of("https://example.org/")
    feed.entries[0].summary = "- Bees <b>.\n- Roofs - all."
    (item,) = json.loads(json_feed(feed, base_url=BASE))["items"]
    assert item["content_html"] == "<ul><li>Bees &lt;b&gt;.</li><li>Roofs - all.</li></ul>"
    feed.entries[0].summary = "Bees.\n- Roofs."
    (item,) = json.loads(json_feed(feed, base_url=BASE))["items"]
    assert item["content_html"] == "<p>Bees.</p><p>- Roofs.</p>"


@pytest.mark.parametrize("character", ["\ufffe", "\uffff", "\x0b"])
def test_an_address_that_xml_cannot_hold_ends_no_feed(character: str) -> None:
    """Kept since before such addresses were refused, or from a list that was imported."""
    feed = feed_of(f"https://example.org/{character}")
    entry = child(parsed(atom(feed, base_url=BASE)), "entry")
    assert entry.find(f"{ATOM}link") is None
    assert b"example.org" not in json_feed(feed, base_url=BASE)
