"""alembic's configuration, for whoever runs migrations: a process that serves imports nothing of it."""

from alembic.config import Config

from app.core.schema_version import ROOT


def alembic_config(url: str | None = None) -> Config:
    """`url` overrides MIGRATION_DATABASE_URL."""
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.set_main_option("script_location", str(ROOT / "alembic"))
    config.attributes["url"] = url
    return config
