"""The settings of what is seen from outside: logs, errors, traces and metrics."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from app.settings_parsing import parse_collector_url


class ObservingSettings(BaseSettings):
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    log_format: Literal["json", "console"] | None = Field(None, description="Unset: json in production.")
    sentry_dsn: SecretStr | None = None
    otel_exporter_otlp_endpoint: Annotated[str | None, AfterValidator(parse_collector_url)] = Field(
        None, description="Where spans go by OTLP over HTTP, without /v1/traces; unset: none are made."
    )
    otel_traces_sampler_arg: float = Field(1.0, ge=0, le=1, description="The share of traces with spans.")
    metrics_token: SecretStr | None = Field(None, description="Bearer token that /metrics then asks for.")

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator(
        "otel_exporter_otlp_endpoint", "sentry_dsn", "metrics_token", "log_format", mode="before"
    )
    @classmethod
    def _empty_switches_off(cls, value: object) -> object:
        return value or None if isinstance(value, str) else value
