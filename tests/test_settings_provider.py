"""The language model's settings: what is refused without an echo, and when one is offered."""

import pytest

from app.settings import Settings, SettingsError, load_settings
from app.worker.process import make_provider
from tests.test_settings import PRODUCTION

pytestmark = pytest.mark.unit

KEY = "sk-hunter2-0123456789"


def faults(**values: object) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(**values)
    assert "hunter2" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x/v1",
        "x/v1",
        "https:///v1",
        "https://u:hunter2@x/v1",
        "https://x/v1?key=hunter2",
        "https://x/v1#a",
    ],
)
def test_an_address_that_is_none_or_holds_a_secret_is_refused(url: str) -> None:
    assert faults(provider_base_url=url).count("PROVIDER_BASE_URL") == 1


@pytest.mark.parametrize("key", ["hunter2\n", "hunter2 x", "hunter2\u00e9"])
def test_a_key_that_no_header_carries_is_refused(key: str) -> None:
    assert "PROVIDER_API_KEY" in faults(provider_api_key=key)


def test_a_context_without_room_for_an_answer_is_refused() -> None:
    assert "PROVIDER_CONTEXT_TOKENS" in faults(provider_context_tokens=1000)


def test_production_sends_no_key_in_the_clear_and_no_request_without_a_model() -> None:
    found = faults(**PRODUCTION, provider_base_url="http://model.example/v1", provider_api_key=KEY)
    assert "PROVIDER_BASE_URL: must begin with https://" in found
    assert "PROVIDER_MODEL: is required" in found


@pytest.mark.parametrize("values", [{}, {"provider_base_url": "http://x/v1"}, {"provider_model": "m"}])
def test_half_a_provider_is_none(values: dict[str, str]) -> None:
    assert make_provider(load_settings(**values)) is None


def test_a_whole_one_is_offered_and_its_key_not_shown() -> None:
    settings: Settings = load_settings(
        provider_base_url="https://model.example/v1/", provider_model="m", provider_api_key=KEY
    )
    assert settings.provider_base_url == "https://model.example/v1"
    assert KEY not in f"{settings!r} {settings.model_dump()}"
    assert make_provider(settings) is not None
