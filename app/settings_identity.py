"""The settings of who may enter, and of the mail that tells them. `app.settings.Settings` gathers them."""

from email.utils import parseaddr
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveInt, SecretStr, field_validator
from pydantic_settings import BaseSettings


class PasswordPolicy(StrEnum):
    """`compat`: 8 characters of four kinds; `nist`: 15 characters (SP 800-63B-4)."""

    COMPAT = "compat"
    NIST = "nist"


class IdentitySettings(BaseSettings):
    secret_key: SecretStr = SecretStr("")
    former_secret_keys: SecretStr = Field(
        SecretStr(""), description="One a line: what the audit log was signed with before SECRET_KEY changed."
    )
    jwt_keys_dir: Path | None = Field(None, description="Unset outside production: <data_dir>/keys, made.")
    jwt_signing_key_pem: SecretStr | None = Field(
        None, description="In place of JWT_KEYS_DIR where no file can be mounted; without rotation."
    )
    jwt_audience: str = "precis-api"
    access_token_expire_minutes: int = Field(15, ge=1, le=15)
    refresh_token_expire_days: int = Field(7, ge=1, le=30, description="Idle; 30 days in all.")
    refresh_reuse_grace_seconds: int = Field(0, ge=0, le=60)
    reuse_revokes: Literal["session", "user"] = Field("session", description="What a replayed token ends.")
    max_login_attempts: PositiveInt = 5
    lockout_duration_minutes: PositiveInt = 30
    password_policy: PasswordPolicy = PasswordPolicy.COMPAT
    email_verification: Literal["optional", "required"] = "optional"
    staff_mfa_required: bool | None = Field(None, description="Unset: in production.")
    account_erasure_days: int = Field(30, ge=0, le=365, description="From deactivation to erasure.")

    @property
    def former_secrets(self) -> list[str]:
        lines = self.former_secret_keys.get_secret_value().splitlines()
        return [line.strip() for line in lines if line.strip()]

    @field_validator("staff_mfa_required", "jwt_signing_key_pem", mode="before")
    @classmethod
    def _empty_choice_is_unset(cls, value: object) -> object:
        return value or None if isinstance(value, str) else value


class MailSettings(BaseSettings):
    """Without `smtp_host` nothing is sent; development prints the link instead."""

    smtp_host: str | None = None
    smtp_port: int = Field(587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    mail_from: str = "Precis <no-reply@precis.example>"

    @field_validator("mail_from")
    @classmethod
    def _one_sender(cls, value: str) -> str:
        # A line break would be refused mail by mail, when nobody looks.
        if "@" not in parseaddr(value)[1] or not value.isprintable():
            raise ValueError('is not an address such as "Precis <no-reply@example.org>"')
        return value

    @field_validator("smtp_host", "smtp_username", "smtp_password", mode="before")
    @classmethod
    def _empty_server_is_unset(cls, value: object) -> object:
        return value or None if isinstance(value, str) else value


class OAuthSettings(BaseSettings):
    """A provider is offered once it has an id and a secret; the generic one also needs its issuer."""

    google_client_id: str | None = None
    google_client_secret: SecretStr | None = None
    github_client_id: str | None = None
    github_client_secret: SecretStr | None = None
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None

    @field_validator(
        *("google_client_id", "google_client_secret", "github_client_id", "github_client_secret"),
        *("oidc_issuer", "oidc_client_id", "oidc_client_secret"),
        mode="before",
    )
    @classmethod
    def _empty_provider_is_unset(cls, value: object) -> object:
        return value or None if isinstance(value, str) else value
