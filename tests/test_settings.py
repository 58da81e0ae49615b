"""The configuration: what is refused, all at once and without an echo; then what is read, from where."""

import re
from pathlib import Path
from typing import Any

import pytest

from app.core.schema_version import ROOT
from app.settings import Environment, Settings, SettingsError, get_settings, load_settings
from app.settings_parsing import to_libpq_url

pytestmark = pytest.mark.unit

STRONG = "k9#vQ2!mZ7@xL4$wR8%tB1^yN6&cF3*p"
PRODUCTION: dict[str, Any] = {  # Any: field values
    "environment": "production",
    "secret_key": STRONG,
    "jwt_keys_dir": "keys",
    "public_url": "https://api.precis.example",
}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder without .env, and no setting of whoever runs the tests."""
    for name, field in Settings.model_fields.items():
        variable = str(field.validation_alias or name).upper()
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(f"{variable}_FILE", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def faults(**values: Any) -> list[str]:  # Any: field values
    with pytest.raises(SettingsError) as caught:
        load_settings(**values)
    return caught.value.faults


def named(found: list[str]) -> set[str]:
    return {fault.partition(":")[0] for fault in found}


def test_every_fault_is_named_at_once_and_no_value_is_echoed(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"PORT": "hunter2", "DATABASE_URL": "mysql://hunter2", "REDIS_URL": "hunter2", "TESTING": "maybe"}
    for name, value in {**wrong, "ENVIRONMENT": "production", "DEBUG": "1"}.items():
        monkeypatch.setenv(name, value)
    found = faults()
    assert named(found) >= {*wrong, "SECRET_KEY", "JWT_KEYS_DIR", "PUBLIC_URL", "DEBUG"}
    assert "hunter2" not in "".join(found)


@pytest.mark.parametrize("environment", ["production", "prod", "staging", "Production"])
@pytest.mark.parametrize(
    "secret", ["", "hunter2", "changeme" * 6, "your-secret-key-here-0123456789abcdef", "a" * 64]
)
def test_a_weak_secret_is_refused_outside_development(environment: str, secret: str) -> None:
    found = faults(**{**PRODUCTION, "environment": environment, "secret_key": secret})
    assert named(found) == {"SECRET_KEY"}
    assert not secret or secret not in found[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jwt_keys_dir", None),
        ("fetch_allow_hosts", "127.0.0.1:80"),
        ("oidc_issuer", "http://id.example"),
        ("debug", True),
        ("testing", True),
        ("public_url", ""),
        ("public_url", "http://api.precis.example"),
        ("forwarded_allow_ips", "*"),
        ("cors_origins", "*"),
    ],
)
@pytest.mark.parametrize("environment", ["production", "staging"])
def test_what_opens_a_door_is_refused_outside_development(environment: str, name: str, value: object) -> None:
    found = faults(**{**PRODUCTION, "environment": environment, name: value})
    assert named(found) == {name.upper()}


def test_a_signing_key_as_a_setting_stands_for_the_directory() -> None:
    settings = load_settings(**{**PRODUCTION, "jwt_keys_dir": None, "jwt_signing_key_pem": "a key"})
    assert settings.is_production_like


@pytest.mark.parametrize("url", ["sqlite:///precis.db", "sqlite+aiosqlite:///precis.db"])
def test_sqlite_is_refused_with_a_hint(url: str) -> None:
    assert "PostgreSQL 15 or later" in faults(database_url=url)[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("testing", "maybe"),
        ("testing", "2"),
        ("environment", "live"),
        ("port", "65536"),
        ("access_token_expire_minutes", "16"),
        ("refresh_token_expire_days", "31"),
        ("database_url", "mysql://127.0.0.1/precis"),
        ("redis_url", "http://127.0.0.1"),
        ("public_url", "ftp://precis.example"),
        ("fetch_allow_hosts", "127.0.0.1"),
        ("fetch_allow_hosts", "127.0.0.1:http"),
        ("rate_limit_scale", "0"),
        ("db_pool_size", "0"),
        ("otel_exporter_otlp_endpoint", "localhost:4318"),
        ("otel_exporter_otlp_endpoint", "http://me:hunter2@collector:4318"),
        ("otel_traces_sampler_arg", "1.5"),
        ("log_level", "LOUD"),
        ("email_verification", "sometimes"),
    ],
)
def test_a_value_outside_its_range_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name.upper(), value)
    assert named(faults()) == {name.upper()}


def test_unreadable_secret_files_are_refused_by_their_names(
    monkeypatch: pytest.MonkeyPatch, bare: Path
) -> None:
    (bare / "binary").write_bytes(b"hunter2\xff")
    monkeypatch.setenv("SECRET_KEY_FILE", "no-such-file")
    monkeypatch.setenv("SENTRY_DSN_FILE", "binary")
    found = faults()
    assert named(found) == {"SECRET_KEY_FILE", "SENTRY_DSN_FILE"}
    assert "hunter2" not in "".join(found)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("dev", Environment.DEVELOPMENT),
        ("prod", Environment.PRODUCTION),
        ("test", Environment.TESTING),
        ("STAGING", Environment.STAGING),
    ],
)
def test_an_alias_of_an_environment_is_understood(given: str, meant: Environment) -> None:
    settings = load_settings(**{**PRODUCTION, "environment": given})
    assert settings.environment is meant
    assert settings.is_production_like is (meant in {Environment.STAGING, Environment.PRODUCTION})


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgres://a:b@h:1/d", "postgresql+asyncpg://a:b@h:1/d"),
        ("postgresql://a:b@h:1/d", "postgresql+asyncpg://a:b@h:1/d"),
        ("postgresql+asyncpg://a:b@h:1/d", "postgresql+asyncpg://a:b@h:1/d"),
        ("postgres://h/d?sslmode=require", "postgresql+asyncpg://h/d?ssl=require"),
    ],
)
def test_every_postgres_url_is_understood(given: str, used: str) -> None:
    assert load_settings(database_url=given).database_url == used


def test_a_url_for_psycopg_gets_its_sslmode_back() -> None:
    used = load_settings(worker_database_url="postgres://h/d?sslmode=require").worker_database_url
    assert to_libpq_url(used or "") == "postgresql://h/d?sslmode=require"


def test_a_file_gives_a_secret_and_loses_its_last_line_end(
    monkeypatch: pytest.MonkeyPatch, bare: Path
) -> None:
    (bare / "secret").write_text(f"{STRONG}\n", "utf-8")
    monkeypatch.setenv("SECRET_KEY_FILE", str(bare / "secret"))
    assert load_settings().secret_key.get_secret_value() == STRONG


def test_the_environment_wins_over_a_file_and_a_file_over_dotenv(
    monkeypatch: pytest.MonkeyPatch, bare: Path
) -> None:
    (bare / "host").write_text("from-file", "utf-8")
    (bare / ".env").write_text("HOST=from-dotenv\nHOST_FILE=host\nSMTP_HOST=mail\n", "utf-8")
    assert (load_settings().host, load_settings().smtp_host) == ("from-file", "mail")
    monkeypatch.setenv("HOST", "from-environment")
    assert load_settings().host == "from-environment"


def test_a_dotenv_file_is_read(bare: Path) -> None:
    (bare / ".env").write_text("PORT=9000\nCORS_ORIGINS=https://a.example, https://b.example\n", "utf-8")
    settings = load_settings()
    assert (settings.port, settings.base_url) == (9000, "http://127.0.0.1:9000")
    assert settings.cors_origins == ["https://a.example", "https://b.example"]


def test_the_data_directory_has_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch, bare: Path) -> None:
    monkeypatch.setenv("PRECIS_DATA_DIR", str(bare / "data"))
    settings = load_settings()
    assert (settings.data_dir, settings.keys_dir) == (bare / "data", bare / "data" / "keys")


def test_an_empty_value_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SENTRY_DSN", "METRICS_TOKEN", "SMTP_HOST", "LOG_FORMAT", "DOCS_ENABLED"):
        monkeypatch.setenv(name, "")
    settings = load_settings()
    assert (settings.sentry_dsn, settings.metrics_token, settings.smtp_host) == (None, None, None)
    assert (settings.docs_visible, settings.log_as_json) == (True, False)


def test_hosts_and_ports_that_may_be_fetched_are_read() -> None:
    settings = load_settings(fetch_allow_hosts="127.0.0.1:8080, [::1]:81,")
    assert settings.fetch_allow_hosts == [("127.0.0.1", 8080), ("::1", 81)]
    assert load_settings(fetch_allow_hosts=[("127.0.0.1", 1)]).fetch_allow_hosts == [("127.0.0.1", 1)]


def test_an_explicit_choice_beats_the_environments_default() -> None:
    settings = load_settings(**PRODUCTION, docs_enabled=True, log_format="console")
    assert (settings.docs_visible, settings.log_as_json) == (True, False)


def test_no_secret_is_printed() -> None:
    settings = load_settings(secret_key=STRONG, database_url=f"postgresql://a:{STRONG}@h/d")
    assert STRONG not in repr(settings)
    assert settings.signing_secret == STRONG


def test_the_example_of_the_deployment_is_accepted_and_complete(bare: Path) -> None:
    example = (ROOT / "deploy" / "example.env").read_text("utf-8")
    (bare / ".env").write_text(example, "utf-8")
    assert load_settings().environment is Environment.DEVELOPMENT
    variables = {str(field.validation_alias or name).upper() for name, field in Settings.model_fields.items()}
    assert set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)) == variables


def test_a_production_configuration_is_accepted() -> None:
    settings = load_settings(**PRODUCTION)
    assert (settings.docs_visible, settings.log_as_json) == (False, True)
    assert settings.base_url == "https://api.precis.example"
    assert settings.production_faults() == []


def test_the_process_reads_its_settings_once() -> None:
    get_settings.cache_clear()
    assert get_settings() is get_settings()
    get_settings.cache_clear()
