"""How a setting's text becomes its value; no setting is declared here."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic.fields import FieldInfo
from pydantic_settings import (
    AWSSecretsManagerSettingsSource,
    BaseSettings,
    PydanticBaseSettingsSource,
)
from typing_extensions import override

MINIMUM_SECRET_LENGTH = 32
MINIMUM_DISTINCT_CHARACTERS = 10
# Published in tutorials, templates and our own example.env: an attacker tries these first.
PLACEHOLDERS = ("changeme", "change-me", "change_me", "secret", "your-", "example", "placeholder", "insecure")
POSTGRES_SCHEMES = {"postgres", "postgresql", "postgresql+asyncpg"}


class HostPort(NamedTuple):
    host: str
    port: int


class UnreadableFilesError(Exception):
    """`faults` has one line per file or secret that a setting points at in vain."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class FileSecretsSource(PydanticBaseSettingsSource):
    """`SECRET_KEY_FILE=/run/secrets/key` stands for the text of that file (Docker secrets)."""

    def __init__(self, settings_cls: type[BaseSettings], dotenv: Mapping[str, str | None]) -> None:
        super().__init__(settings_cls)
        self._environment = {name.upper(): value for name, value in {**dotenv, **os.environ}.items()}

    @override
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        key = _variable(field, field_name)
        path = self._environment.get(f"{key.upper()}_FILE")
        return (_read(Path(path)) if path else None), key, False

    @override
    def __call__(self) -> dict[str, Any]:
        """Raises UnreadableFilesError."""
        found, faults = {}, []
        for name, field in self.settings_cls.model_fields.items():
            try:
                value, key, _ = self.get_field_value(field, name)
            except (OSError, UnicodeDecodeError) as error:
                faults.append(f"{_variable(field, name).upper()}_FILE: cannot be read: {_reason(error)}")
                continue
            if value is not None:
                found[key] = value
        if faults:
            raise UnreadableFilesError(faults)
        return found


def aws_secrets(settings_cls: type[BaseSettings]) -> list[PydanticBaseSettingsSource]:
    """The JSON of AWS_SECRET_ID, a secret of AWS Secrets Manager whose keys are the settings' names.

    Needs the packages of the extra `aws`; region, role and endpoint are the ones that every AWS tool reads.
    Raises UnreadableFilesError.
    """
    secret_id = os.environ.get("AWS_SECRET_ID")
    if not secret_id:
        return []
    try:
        return [AWSSecretsManagerSettingsSource(settings_cls, secret_id, case_sensitive=False)]
    except Exception as error:
        # boto3 is optional, and so are the names of its errors; none may show what the secret holds.
        reason = (
            "the extra `aws` is not installed" if isinstance(error, ImportError) else type(error).__name__
        )
        raise UnreadableFilesError([f"AWS_SECRET_ID: cannot be read: {reason}"]) from error


def _variable(field: FieldInfo, name: str) -> str:
    return field.validation_alias if isinstance(field.validation_alias, str) else name


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8").rstrip("\r\n")


def _reason(error: OSError | UnicodeDecodeError) -> str:
    """Never the text of the file."""
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "not UTF-8"


def split_list(value: object) -> list[Any]:
    """Commas separate; blanks go; a list stays."""
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return list(value) if isinstance(value, list | tuple | set | frozenset) else []


def parse_host_port(item: object) -> HostPort:
    if isinstance(item, tuple):
        return HostPort(*item)
    parts = urlsplit(f"//{item}")
    if not parts.hostname or parts.port is None:
        raise ValueError(f"{item!r} is not host:port")
    return HostPort(parts.hostname, parts.port)


def to_asyncpg_url(value: str) -> str:
    """Any PostgreSQL URL as SQLAlchemy's asyncpg one; `sslmode` becomes asyncpg's `ssl`."""
    parts = urlsplit(value)
    if parts.scheme.startswith("sqlite"):
        raise ValueError("SQLite is not supported: tenants and the queue need PostgreSQL 15 or later")
    if parts.scheme not in POSTGRES_SCHEMES:
        raise ValueError("must begin with postgresql://")
    query = [("ssl" if key == "sslmode" else key, text) for key, text in parse_qsl(parts.query)]
    return urlunsplit(("postgresql+asyncpg", parts.netloc, parts.path, urlencode(query), ""))


def to_libpq_url(value: str) -> str:
    """The same database for psycopg: plain scheme, `ssl` back to `sslmode`."""
    parts = urlsplit(value)
    query = [("sslmode" if key == "ssl" else key, text) for key, text in parse_qsl(parts.query)]
    return urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(query), ""))


def parse_public_url(value: str) -> str:
    """Without the slash at its end; empty stays empty."""
    if value and urlsplit(value).scheme not in {"http", "https"}:
        raise ValueError("must begin with http:// or https://")
    return value.rstrip("/")


def parse_collector_url(value: str | None) -> str | None:
    """As a public URL. A password in it would be in every report of a collector that is away."""
    if value is not None and urlsplit(value).username is not None:
        raise ValueError("must hold no user and no password")
    return None if value is None else parse_public_url(value)


def parse_redis_url(value: str) -> str:
    if urlsplit(value).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("must begin with redis://, rediss:// or unix://")
    return value


def check_secret_strength(secret: str) -> str | None:
    """What is wrong with it, or None."""
    if len(secret) < MINIMUM_SECRET_LENGTH:
        return f"is shorter than {MINIMUM_SECRET_LENGTH} characters: `openssl rand -base64 48` makes one"
    if any(word in secret.lower() for word in PLACEHOLDERS):
        return "is a published placeholder"
    if len(set(secret)) < MINIMUM_DISTINCT_CHARACTERS:
        return "repeats too few characters"
    return None
