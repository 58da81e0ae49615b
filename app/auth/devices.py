"""The cookie by which a device is known again, on its way in and out."""

from starlette.requests import Request
from starlette.responses import Response

from app.auth.lockout.clients import COOKIE_LIFETIME
from app.auth.opening import Device, Login
from app.core.http import client_address
from app.settings import Settings

# A browser takes the first name only with Secure, Path=/ and without Domain: no sibling subdomain can set it.
SECURE_NAME = "__Host-did"
# Over http, which only development speaks, browsers refuse the prefix.
PLAIN_NAME = "did"
# What no page of another site can make a browser say. Programs say nothing.
OWN_SITES = {"same-origin", "none"}


async def get_device(request: Request) -> Device:
    """A form on another site may log its victim in as somebody else: that must not cost the known device."""
    headers = request.headers
    return Device(
        client_address(request.scope.get("client")),
        headers.get("user-agent"),
        cookie=request.cookies.get(_name(request.app.state.settings)),
        remembered=headers.get("sec-fetch-site", "none") in OWN_SITES,
    )


def remember_device(request: Request, response: Response, login: Login) -> None:
    if login.device_cookie is None:
        return
    name = _name(request.app.state.settings)
    response.set_cookie(
        name,
        login.device_cookie,
        max_age=int(COOKIE_LIFETIME.total_seconds()),
        path="/",
        secure=name == SECURE_NAME,
        httponly=True,
        samesite="lax",  # the way back from a provider's login comes from another site
    )


def _name(settings: Settings) -> str:
    return SECURE_NAME if settings.base_url.startswith("https://") else PLAIN_NAME
