"""The settings of the language model that may write summaries. `app.settings.Settings` gathers them."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PositiveInt, SecretStr, field_validator
from pydantic_settings import BaseSettings


def _parse_endpoint(value: str | None) -> str | None:
    """Without the slash at its end. A password in it would end up where the key must not."""
    if value is None:
        return None
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must begin with http:// or https:// and name a host")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("may hold no user, query or fragment; the key belongs into PROVIDER_API_KEY")
    return value.rstrip("/")


class ProviderSettings(BaseSettings):
    """An OpenAI-compatible endpoint (OpenAI, Ollama, vLLM); offered once it has an address and a model."""

    provider_base_url: Annotated[str | None, AfterValidator(_parse_endpoint)] = Field(
        None, description="What stands before /chat/completions: https://api.openai.com/v1"
    )
    provider_api_key: SecretStr | None = None
    provider_model: str | None = None
    provider_context_tokens: int = Field(
        8192, ge=4096, description="A larger document is preselected by the extractive ranker."
    )
    provider_temperature: float | None = Field(None, ge=0, le=2, description="Unset: the provider's own.")
    provider_concurrency: PositiveInt = Field(8, description="Calls that one worker has open at once.")

    @property
    def provider_key_travels_bare(self) -> bool:
        return self.provider_api_key is not None and (self.provider_base_url or "").startswith("http://")

    @field_validator("provider_api_key")
    @classmethod
    def _fits_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        key = value.get_secret_value() if value else "x"
        if not (key.isascii() and key.isprintable() and " " not in key):
            raise ValueError("holds characters that no header can carry")
        return value

    @field_validator(
        *("provider_base_url", "provider_api_key", "provider_model", "provider_temperature"), mode="before"
    )
    @classmethod
    def _empty_endpoint_is_unset(cls, value: object) -> object:
        return value or None if isinstance(value, str) else value
