"""The settings that this app was made with, for its routes."""

from typing import Annotated

from fastapi import Depends, Request

from app.settings import Settings


async def get_app_settings(request: Request) -> Settings:
    """Never by a dependency override: with one, FastAPI inspects each dependency anew at each request."""
    settings: Settings = request.app.state.settings
    return settings


SettingsDep = Annotated[Settings, Depends(get_app_settings)]
