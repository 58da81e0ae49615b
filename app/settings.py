"""Every setting once. The field's name in upper case is the variable; `NAME_FILE` reads it from a file.

Read from the environment, then `.env`. `load_settings` reports all faults at once; outside development and
testing weak or missing secrets are faults.
"""

from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PositiveInt, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from typing_extensions import override

from app import __version__
from app.settings_fetching import FetchSettings
from app.settings_identity import IdentitySettings, MailSettings, OAuthSettings, PasswordPolicy
from app.settings_observing import ObservingSettings
from app.settings_parsing import (
    FileSecretsSource,
    UnreadableFilesError,
    aws_secrets,
    check_secret_strength,
    parse_public_url,
    parse_redis_url,
    split_list,
    to_asyncpg_url,
)
from app.settings_provider import ProviderSettings
from app.settings_worker import WorkerSettings

__all__ = ["Environment", "PasswordPolicy", "Settings", "SettingsError", "get_settings", "load_settings"]

ENVIRONMENT_ALIASES = {"dev": "development", "prod": "production", "test": "testing"}


class Environment(StrEnum):
    DEVELOPMENT = "development"
    TESTING = "testing"
    STAGING = "staging"
    PRODUCTION = "production"


class SettingsError(Exception):
    """The configuration cannot be used; `faults` has one line per setting."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("configuration refused:\n" + "\n".join(f"  - {fault}" for fault in faults))
        self.faults = faults


class Settings(
    IdentitySettings,
    MailSettings,
    OAuthSettings,
    ProviderSettings,
    FetchSettings,
    WorkerSettings,
    ObservingSettings,
):
    model_config = SettingsConfigDict(env_file=".env", extra="ignore", case_sensitive=False, frozen=True)

    # Process
    environment: Environment = Environment.DEVELOPMENT
    testing: bool = False
    debug: bool = False
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    public_url: Annotated[str, AfterValidator(parse_public_url)] = Field(
        "", description="What problem types, links, issuer and mails begin with."
    )
    web_concurrency: PositiveInt = Field(1, description="API processes of one gunicorn.")
    forwarded_allow_ips: str = Field("127.0.0.1", description="The proxy's addresses, exactly; never *.")
    data_dir: Path = Field(Path(".precis"), validation_alias="PRECIS_DATA_DIR")
    docs_enabled: bool | None = Field(None, description="/docs and /openapi.json; unset: off in production.")

    # Browser and proxy edge
    cors_origins: Annotated[list[str], NoDecode] = Field([], description="Sites whose pages may call this.")
    allowed_hosts: Annotated[list[str], NoDecode] = Field([], description="Loopback is always allowed.")

    # PostgreSQL
    database_url: str = Field("postgresql+asyncpg://app_rw@127.0.0.1:5432/precis", repr=False)
    migration_database_url: str | None = Field(None, repr=False)
    worker_database_url: str | None = Field(None, repr=False)
    db_pool_size: PositiveInt = 15
    db_max_overflow: int = Field(
        0, ge=0, description="Beyond the pool; closed after each use, and each costs more than a request."
    )
    db_pool_timeout: float = Field(2.0, gt=0, description="Seconds until 503.")
    db_statement_timeout_seconds: float = Field(5.0, gt=0)
    db_prepared_statements: int = Field(
        0,
        ge=0,
        description="Kept by each connection; 0 behind a pooler in transaction mode, which loses them.",
    )

    # Redis
    redis_url: Annotated[str, AfterValidator(parse_redis_url)] = Field("redis://127.0.0.1:6379/0", repr=False)
    rate_limit_scale: float = Field(1.0, gt=0, description="Multiplies every limit.")

    # Watching
    streams_per_process: PositiveInt = Field(2000, description="Event streams and WebSockets of one process.")
    streams_per_person: PositiveInt = Field(20, description="Of those, one person's.")
    stream_max_seconds: PositiveInt = Field(900, description="Then a stream or a WebSocket is to come back.")

    @field_validator("environment", mode="before")
    @classmethod
    def _environment_alias(cls, value: object) -> object:
        return ENVIRONMENT_ALIASES.get(value.lower(), value.lower()) if isinstance(value, str) else value

    @field_validator("cors_origins", "allowed_hosts", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return split_list(value)

    @field_validator("database_url", "migration_database_url", "worker_database_url", mode="before")
    @classmethod
    def _postgres_url(cls, value: object) -> object:
        return to_asyncpg_url(value) if isinstance(value, str) and value else value

    @field_validator("docs_enabled", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return value or None if isinstance(value, str) else value

    def production_faults(self) -> list[str]:
        """What staging and production refuse; nothing elsewhere."""
        if not self.is_production_like:
            return []
        secret_problem = check_secret_strength(self.secret_key.get_secret_value())
        rules = {
            f"SECRET_KEY: {secret_problem}": secret_problem is not None,
            "JWT_KEYS_DIR: is required, a directory of signing keys": not (
                self.jwt_keys_dir or self.jwt_signing_key_pem
            ),
            "FETCH_ALLOW_HOSTS: is for development, it opens private addresses": bool(self.fetch_allow_hosts),
            "OIDC_ISSUER: must begin with https://": not (self.oidc_issuer or "https://").startswith(
                "https://"
            ),
            "PROVIDER_BASE_URL: must begin with https:// where PROVIDER_API_KEY is set": (
                self.provider_key_travels_bare
            ),
            "PROVIDER_MODEL: is required with PROVIDER_BASE_URL": (
                self.provider_base_url is not None and self.provider_model is None
            ),
            "DEBUG: must be off": self.debug,
            "TESTING: must be off": self.testing,
            "PUBLIC_URL: must be set, and begin with https://": not self.public_url.startswith("https://"),
            "FORWARDED_ALLOW_IPS: * trusts every client": "*" in self.forwarded_allow_ips,
            "CORS_ORIGINS: * would open the API to every site": "*" in self.cors_origins,
        }
        return [fault for fault, broken in rules.items() if broken]

    @property
    def is_production_like(self) -> bool:
        """Staging behaves as production."""
        return self.environment in {Environment.STAGING, Environment.PRODUCTION}

    @property
    def docs_visible(self) -> bool:
        return not self.is_production_like if self.docs_enabled is None else self.docs_enabled

    @property
    def log_as_json(self) -> bool:
        return self.is_production_like if self.log_format is None else self.log_format == "json"

    @property
    def base_url(self) -> str:
        """`PUBLIC_URL`, or the address we listen on."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def bot_url(self) -> str:
        """The page that tells owners of sites who we are, and how to keep us away."""
        return f"{self.base_url}/bot"

    @property
    def bot_user_agent(self) -> str:
        return self.fetch_user_agent or f"PrecisBot/{__version__} (+{self.bot_url})"

    @property
    def signing_secret(self) -> str:
        """What cursors, refresh tokens and the like are derived from; `./run` always generates one."""
        return self.secret_key.get_secret_value() or "development only, known to everybody"

    @property
    def staff_must_have_second_factor(self) -> bool:
        return self.is_production_like if self.staff_mfa_required is None else self.staff_mfa_required

    @property
    def keys_dir(self) -> Path:
        return self.jwt_keys_dir or self.data_dir / "keys"

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del file_secret_settings
        assert isinstance(dotenv_settings, DotEnvSettingsSource)  # noqa: S101  # narrows for mypy
        from_files = FileSecretsSource(settings_cls, dotenv_settings.env_vars)
        from_aws = aws_secrets(settings_cls)
        return init_settings, env_settings, from_files, *from_aws, dotenv_settings


def load_settings(**overrides: Any) -> Settings:  # Any: field values, which pydantic checks
    """Raises `SettingsError` that names every fault, never a value."""
    faults = []
    try:
        settings = Settings(**overrides)
    except UnreadableFilesError as error:
        raise SettingsError(error.faults) from error
    except ValidationError as error:
        faults = [_fault(item["loc"], item["msg"]) for item in error.errors()]
        faulty = {str(item["loc"][0]).lower() for item in error.errors() if item["loc"]}
        # Once more with those at their defaults, so that the rules of production are reported too.
        settings = Settings(**{**overrides, **{name: _default(name) for name in faulty}})
    if faults := faults + settings.production_faults():
        raise SettingsError(faults)
    return settings


def _default(name: str) -> object:
    field = Settings.model_fields.get(name)
    return field.get_default() if field else None


def _fault(location: tuple[int | str, ...], message: str) -> str:
    name = str(location[0]).upper() if location else ""
    text = message.removeprefix("Value error, ")
    return f"{name}: {text}" if name else text


@lru_cache
def get_settings() -> Settings:
    """The process's settings; a dependency that tests override."""
    return load_settings()
