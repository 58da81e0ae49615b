"""GET /bot: who we are to the owner of a site."""

import asyncio

import pytest
from httpx2 import AsyncClient

from app import __version__
from app.health.bot import bot
from app.settings import Settings, SettingsError, load_settings


@pytest.mark.integration
async def test_the_page_is_there_for_everybody_and_loads_nothing(client: AsyncClient) -> None:
    answer = await client.get("/bot")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "public, max-age=86400"
    assert f"PrecisBot/{__version__}" in answer.text
    assert "User-agent: PrecisBot\nDisallow: /" in answer.text


def page(**settings: object) -> str:
    return bytes(asyncio.run(bot(load_settings(**settings))).body).decode()


@pytest.mark.unit
def test_a_deployment_that_ignores_robots_txt_says_so() -> None:
    text = page(robots_txt="ignore")
    assert "Disallow" not in text
    assert "set not to read" in text


@pytest.mark.unit
@pytest.mark.parametrize(
    ("contact", "shown"),
    [
        ("bot@example.com", '<a href="mailto:bot@example.com">bot@example.com</a>'),
        ("https://example.com/x?a&b", '<a href="https://example.com/x?a&amp;b">'),
        ("javascript:alert(1)", "Anything else: javascript:alert(1)."),
        ("<script>", "Anything else: &lt;script&gt;."),
    ],
)
def test_the_operators_contact_is_a_link_only_where_it_is_safe(contact: str, shown: str) -> None:
    assert shown in page(fetch_contact=contact)


@pytest.mark.unit
def test_without_a_contact_none_is_promised() -> None:
    assert "Anything else" not in page(fetch_contact="")


@pytest.mark.unit
def test_the_name_is_honest_unless_the_operator_gives_another() -> None:
    settings = load_settings(public_url="https://precis.example")
    assert settings.bot_user_agent == f"PrecisBot/{__version__} (+https://precis.example/bot)"
    assert load_settings(fetch_user_agent="Other/1").bot_user_agent == "Other/1"


@pytest.mark.unit
@pytest.mark.parametrize("agent", ["a\r\nX: y", "caf\u00e9"])
def test_a_name_that_is_no_header_is_refused(agent: str) -> None:
    with pytest.raises(SettingsError, match="FETCH_USER_AGENT"):
        load_settings(fetch_user_agent=agent)


@pytest.mark.unit
def test_pace_has_bounds() -> None:
    assert Settings.model_fields["fetch_pace_per_second"].default == 1.0
    for pace in (0, -1, 1001):
        with pytest.raises(SettingsError, match="FETCH_PACE_PER_SECOND"):
            load_settings(fetch_pace_per_second=pace)
