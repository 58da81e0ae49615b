"""`app.main:app`, as uvicorn, gunicorn and test clients ask for it."""

from pathlib import Path

import pytest
from fastapi import FastAPI

from app import main
from app.settings import get_settings

pytestmark = pytest.mark.unit


def test_another_name_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'application'"):
        main.application  # noqa: B018  # the look-up is the claim


def test_the_app_is_built_when_first_asked_for_and_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JWT_KEYS_DIR", str(tmp_path))
    monkeypatch.setenv("ENVIRONMENT", "testing")
    get_settings.cache_clear()
    assert isinstance(main.app, FastAPI)
    assert main.app is main.app
    get_settings.cache_clear()
