"""What an OpenID provider publishes of itself: its endpoints, and the keys that it signs with."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from app.auth.oauth.errors import OAuthProviderError
from app.auth.oauth.exchange import get_json
from app.core.id_tokens import UntrustedIdTokenError, VerificationKey, parse_key_set

WELL_KNOWN = "/.well-known/openid-configuration"
CONFIGURATION_SECONDS = 3600
KEYS_SECONDS = 600
# An unknown kid makes us look again, but whoever sends tokens must not make us a flood.
REFETCH_SECONDS = 10

AuthMethod = Literal["client_secret_basic", "client_secret_post"]


@dataclass(frozen=True, slots=True)
class Configuration:
    """OpenID Connect Discovery 1.0, section 3: the part that we use."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    auth_method: AuthMethod


class KeySet:
    """An issuer's keys, kept for 10 minutes, fetched anew for a key that is not among them."""

    def __init__(
        self, http: httpx.AsyncClient, url: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._http = http
        self._url = url
        self._clock = clock
        self._lock = asyncio.Lock()
        self._keys: Mapping[str, VerificationKey] = {}
        self._fetched_at: float | None = None

    async def get(self, *, fresh: bool = False) -> Mapping[str, VerificationKey]:
        """`fresh`: not older than 10 seconds. Raises OAuthProviderError, OAuthUnavailableError."""
        async with self._lock:
            oldest = self._clock() - (REFETCH_SECONDS if fresh else KEYS_SECONDS)
            if self._fetched_at is None or self._fetched_at <= oldest:
                self._keys = await self._fetch()
                self._fetched_at = self._clock()
            return self._keys

    async def _fetch(self) -> Mapping[str, VerificationKey]:
        try:
            return parse_key_set(await get_json(self._http, self._url))
        except UntrustedIdTokenError as error:
            raise OAuthProviderError(internal=str(error)) from None


class Discovery:
    """The configuration of one issuer, kept for an hour."""

    def __init__(
        self, http: httpx.AsyncClient, issuer: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._http = http
        self._issuer = issuer
        self._clock = clock
        self._lock = asyncio.Lock()
        self._known: Configuration | None = None
        self._fetched_at = 0.0

    async def get(self) -> Configuration:
        """Raises OAuthProviderError, OAuthUnavailableError."""
        async with self._lock:
            if self._known is None or self._fetched_at <= self._clock() - CONFIGURATION_SECONDS:
                document = await get_json(self._http, self._issuer.rstrip("/") + WELL_KNOWN)
                self._known, self._fetched_at = read_configuration(document, self._issuer), self._clock()
            return self._known


def read_configuration(document: object, issuer: str) -> Configuration:
    """Raises OAuthProviderError: of another issuer, or with an endpoint that is less safe than the issuer."""
    if not isinstance(document, dict) or document.get("issuer") != issuer:
        raise OAuthProviderError(internal="the discovery document is of another issuer")
    endpoint = _Endpoints(document, scheme=f"{issuer.partition('://')[0]}://")
    return Configuration(
        issuer=issuer,
        authorization_endpoint=endpoint.required("authorization_endpoint"),
        token_endpoint=endpoint.required("token_endpoint"),
        jwks_uri=endpoint.required("jwks_uri"),
        userinfo_endpoint=endpoint.get("userinfo_endpoint"),
        auth_method=_auth_method(document.get("token_endpoint_auth_methods_supported")),
    )


@dataclass(frozen=True, slots=True)
class _Endpoints:
    document: Mapping[str, Any]  # Any: JSON values
    scheme: str

    def get(self, name: str) -> str | None:
        url = self.document.get(name)
        return url if isinstance(url, str) and url.startswith(self.scheme) else None

    def required(self, name: str) -> str:
        url = self.get(name)
        if url is None:
            raise OAuthProviderError(internal=f"the discovery document has no usable {name}")
        return url


def _auth_method(supported: object) -> AuthMethod:
    """Where nothing is said it is Basic (OpenID Connect Discovery 1.0, section 3)."""
    posted = isinstance(supported, list) and "client_secret_post" in supported
    return "client_secret_post" if posted else "client_secret_basic"
