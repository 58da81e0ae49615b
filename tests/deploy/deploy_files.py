"""What the deploy files say, read once and put into plain values."""

import re
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # it ships no types

from app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_FILES = ("docker-compose.yml", "docker-compose.prod.yml")
# Of the command line, read by app/commands.py and nothing else.
COMMAND_NAMES = {"SUPERUSER_DATABASE_URL", "APP_OWNER_PASSWORD", "APP_RW_PASSWORD"}


def setting_names() -> set[str]:
    fields = Settings.model_fields.items()
    return {str(field.validation_alias or name).upper() for name, field in fields}


def is_setting(name: str) -> bool:
    return name.removesuffix("_FILE") in setting_names() | COMMAND_NAMES or name in setting_names()


def read_compose(name: str) -> dict[str, Any]:  # Any: YAML
    document: dict[str, Any] = yaml.safe_load((ROOT / name).read_text("utf-8"))
    return document


def our_services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:  # Any: YAML
    """Those that run our image."""
    return {name: service for name, service in compose["services"].items() if "build" in service}


def example_env() -> dict[str, str]:
    """Every NAME=value line of deploy/example.env, commented ones too."""
    text = (ROOT / "deploy/example.env").read_text("utf-8")
    return dict(re.findall(r"^#?([A-Z][A-Z0-9_]+)=(.*)$", text, re.MULTILINE))


def mounted_files(compose: dict[str, Any]) -> set[str]:  # Any: YAML
    """Files of the repository that a container gets; what an operator supplies is left out."""
    volumes = [volume for service in compose["services"].values() for volume in service.get("volumes", [])]
    sources = {volume.split(":")[0] for volume in volumes if volume.startswith("./")}
    return {source for source in sources if not source.startswith("./deploy/secrets")}
