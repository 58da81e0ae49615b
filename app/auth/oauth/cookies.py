"""The two cookies of a login by provider. They live for 10 minutes and prove nothing by themselves."""

from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from app.auth.oauth.state import LIFETIME_SECONDS
from app.settings import Settings

Name = Literal["oauth", "oauth-step"]


def read_cookie(request: Request, name: Name) -> str:
    return request.cookies.get(_name(request.app.state.settings, name), "")


def set_cookie(request: Request, response: Response, name: Name, value: str) -> None:
    """Lax: the way back from the provider comes from another site. An empty value takes it away."""
    settings: Settings = request.app.state.settings
    response.set_cookie(
        _name(settings, name),
        value,
        max_age=LIFETIME_SECONDS if value else 0,
        path="/",
        secure=_is_secure(settings),
        httponly=True,
        samesite="lax",
    )


def _is_secure(settings: Settings) -> bool:
    return settings.base_url.startswith("https://")


def _name(settings: Settings, name: Name) -> str:
    # With the prefix no sibling subdomain can plant one; over http, in development, browsers refuse it.
    return f"__Host-{name}" if _is_secure(settings) else name
