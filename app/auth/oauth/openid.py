"""OpenID Connect's code flow: an ID token proves who came, userinfo only adds to it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import httpx

from app.auth.oauth.discovery import Discovery, KeySet
from app.auth.oauth.errors import OAuthProofError
from app.auth.oauth.exchange import GoogleClient, OAuthClient, PlainClient, exchange_code, get_json
from app.auth.oauth.identity import Identity, Json, from_claims, read_proof_time
from app.auth.oauth.state import Secrets
from app.core.id_tokens import Expected, UnknownKeyError, UntrustedIdTokenError, verify_id_token
from app.core.principal import RECENT

SCOPES = ["openid", "email", "profile"]
# Google's tokens have either.
GOOGLE_ISSUERS = ("https://accounts.google.com", "accounts.google.com")
GOOGLE_KEYS = "https://www.googleapis.com/oauth2/v3/certs"
# Only so, and only where the operator enabled it there, do Google's tokens say when: it knows no max_age.
GOOGLE_CLAIMS = '{"id_token":{"auth_time":{"essential":true}}}'


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """What the provider knows this deployment by."""

    client_id: str
    client_secret: str


@dataclass(frozen=True, slots=True)
class Connection:
    """A provider as it is known by now. `issuers`: the spellings of one, the one to remember first.

    `max_age`: how old, in seconds, the proof may be that it accepts from its user; None: it cannot be told.
    """

    client: OAuthClient
    issuers: tuple[str, ...]
    keys: KeySet
    userinfo_endpoint: str | None = None
    max_age: int | None = None

    @property
    def freshness(self) -> Mapping[str, str]:
        """What of the authorization request makes the ID token say when its user proved who they are."""
        return {"claims": GOOGLE_CLAIMS} if self.max_age is None else {"max_age": str(self.max_age)}


class Connector(Protocol):
    async def connect(self) -> Connection:
        """Raises OAuthProviderError, OAuthUnavailableError."""
        ...


class GoogleConnector:
    """Google's endpoints are known beforehand."""

    def __init__(self, http: httpx.AsyncClient, credentials: ClientCredentials) -> None:
        client = GoogleClient(http, credentials.client_id, credentials.client_secret)
        self._connection = Connection(client, GOOGLE_ISSUERS, KeySet(http, GOOGLE_KEYS))

    async def connect(self) -> Connection:
        return self._connection


class DiscoveringConnector:
    """Any other provider's are looked up, at the first login and every hour."""

    def __init__(self, http: httpx.AsyncClient, issuer: str, credentials: ClientCredentials) -> None:
        self._http = http
        self._credentials = credentials
        self._discovery = Discovery(http, issuer)
        self._keys: dict[str, KeySet] = {}

    async def connect(self) -> Connection:
        found = await self._discovery.get()
        client = PlainClient(
            self._http,
            self._credentials.client_id,
            self._credentials.client_secret,
            found.authorization_endpoint,
            found.token_endpoint,
            token_endpoint_auth_method=found.auth_method,
        )
        keys = self._keys.setdefault(found.jwks_uri, KeySet(self._http, found.jwks_uri))
        max_age = int(RECENT.total_seconds())
        return Connection(client, (found.issuer,), keys, found.userinfo_endpoint, max_age)


class OpenIdProvider:
    def __init__(
        self,
        name: str,
        label: str,
        *,
        http: httpx.AsyncClient,
        connector: Connector,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.label = label
        self._http = http
        self._connector = connector
        self._clock = clock

    async def authorization_url(self, *, redirect_uri: str, state: str, secrets: Secrets) -> str:
        connection = await self._connector.connect()
        extras = {"nonce": secrets.nonce, **connection.freshness}
        return await connection.client.get_authorization_url(
            redirect_uri, state, SCOPES, secrets.challenge, "S256", extras_params=extras
        )

    async def identify(self, code: str, *, redirect_uri: str, secrets: Secrets) -> Identity:
        connection = await self._connector.connect()
        verifier = secrets.verifier
        answer = await exchange_code(connection.client, code, redirect_uri=redirect_uri, verifier=verifier)
        claims = await self._prove(connection, answer.get("id_token"), nonce=secrets.nonce)
        proved_at = read_proof_time(claims)
        if "email" not in claims:
            claims = {**await self._userinfo(connection, answer, subject=claims["sub"]), **claims}
        identity = from_claims(claims, issuer=connection.issuers[0], proved_at=proved_at)
        if identity is None:
            raise OAuthProofError(internal="the ID token names no usable subject")
        return identity

    async def _prove(self, connection: Connection, token: object, *, nonce: str) -> Json:
        if not isinstance(token, str):
            raise OAuthProofError(internal="the answer holds no ID token")
        issuers, client_id = frozenset(connection.issuers), connection.client.client_id
        expected = Expected(issuers, client_id, nonce, connection.max_age)
        try:
            return await self._verify(token, connection.keys, expected)
        except UntrustedIdTokenError as error:
            raise OAuthProofError(internal=f"ID token refused: {error}") from None

    async def _verify(self, token: str, keys: KeySet, expected: Expected) -> Json:
        try:
            return verify_id_token(token, await keys.get(), expected=expected, now=self._clock())
        except UnknownKeyError:
            fresh = await keys.get(fresh=True)
            return verify_id_token(token, fresh, expected=expected, now=self._clock())

    async def _userinfo(self, connection: Connection, answer: Json, *, subject: str) -> Json:
        """Believed only where it speaks of the same subject (OpenID Connect Core, 5.3.2)."""
        token = answer.get("access_token")
        if connection.userinfo_endpoint is None or not isinstance(token, str):
            return {}
        claims = await get_json(self._http, connection.userinfo_endpoint, token=token)
        if not isinstance(claims, dict) or claims.get("sub") != subject:
            raise OAuthProofError(internal="userinfo speaks of another subject")
        return claims
