"""The browser's two cookies: the same tokens as a program's, out of reach of scripts (decision 0016)."""

from dataclasses import dataclass
from typing import Self

from starlette.requests import HTTPConnection
from starlette.responses import Response

from app.settings import Settings

SECONDS_A_DAY = 86_400
# The refresh token travels to the routes that spend it, and to no other.
REFRESH_PATH = "/api/v1/auth"
# A browser takes the first name only with Secure, Path=/ and without Domain: no sibling subdomain can set it.
SECURE_ACCESS, SECURE_REFRESH = "__Host-access", "__Secure-refresh"
# Over http, which only development speaks, browsers refuse both prefixes.
PLAIN_ACCESS, PLAIN_REFRESH = "access_token", "refresh_token"


@dataclass(frozen=True, slots=True)
class BrowserTokens:
    """`access_seconds`: how long the access token is good for."""

    access_token: str
    access_seconds: int
    refresh_token: str


@dataclass(frozen=True, slots=True)
class BrowserCookies:
    """`refresh_seconds`: how long a session may be idle; the server counts too."""

    is_secure: bool
    refresh_seconds: int

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls(
            settings.base_url.startswith("https://"), settings.refresh_token_expire_days * SECONDS_A_DAY
        )

    @property
    def access_name(self) -> str:
        return SECURE_ACCESS if self.is_secure else PLAIN_ACCESS

    @property
    def refresh_name(self) -> str:
        return SECURE_REFRESH if self.is_secure else PLAIN_REFRESH

    def access_token(self, connection: HTTPConnection) -> str | None:
        return connection.cookies.get(self.access_name) or None

    def refresh_token(self, connection: HTTPConnection) -> str | None:
        return connection.cookies.get(self.refresh_name) or None

    def store(self, response: Response, tokens: BrowserTokens) -> None:
        self._set(response, self.access_name, tokens.access_token, seconds=tokens.access_seconds)
        self._set(response, self.refresh_name, tokens.refresh_token, seconds=self.refresh_seconds)

    def clear(self, response: Response) -> None:
        for name in (self.access_name, self.refresh_name):
            self._set(response, name, "", seconds=0)

    def _set(self, response: Response, name: str, value: str, *, seconds: int) -> None:
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path=REFRESH_PATH if name == self.refresh_name else "/",
            secure=self.is_secure,
            httponly=True,
            samesite="strict",
        )
