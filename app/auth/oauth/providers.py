"""The providers that this deployment offers: off until an operator configures them."""

import time
from collections.abc import Callable
from typing import Protocol

import httpx
from pydantic import SecretStr

from app.auth.oauth.github import GitHubProvider
from app.auth.oauth.identity import Identity
from app.auth.oauth.openid import (
    ClientCredentials,
    Connector,
    DiscoveringConnector,
    GoogleConnector,
    OpenIdProvider,
)
from app.auth.oauth.state import Secrets
from app.settings import Settings


class Provider(Protocol):
    """`label` is what a button says. Both methods raise OAuthProviderError and OAuthUnavailableError."""

    name: str
    label: str

    async def authorization_url(self, *, redirect_uri: str, state: str, secrets: Secrets) -> str:
        """Where the browser is sent."""
        ...

    async def identify(self, code: str, *, redirect_uri: str, secrets: Secrets) -> Identity:
        """Who came back with this code. Raises OAuthCodeError, OAuthProofError too."""
        ...


def configured_providers(
    settings: Settings, http: httpx.AsyncClient, *, clock: Callable[[], float] = time.time
) -> dict[str, Provider]:
    """Those with an id and a secret, by name."""
    google = _credentials(settings.google_client_id, settings.google_client_secret)
    github = _credentials(settings.github_client_id, settings.github_client_secret)
    oidc = _credentials(settings.oidc_client_id, settings.oidc_client_secret)
    providers: list[Provider] = []
    if google:
        connector: Connector = GoogleConnector(http, google)
        providers.append(OpenIdProvider("google", "Google", http=http, connector=connector, clock=clock))
    if github:
        providers.append(GitHubProvider(http, github))
    if oidc and settings.oidc_issuer:
        connector = DiscoveringConnector(http, settings.oidc_issuer, oidc)
        label = "Single sign-on"
        providers.append(OpenIdProvider("oidc", label, http=http, connector=connector, clock=clock))
    return {provider.name: provider for provider in providers}


def _credentials(client_id: str | None, client_secret: SecretStr | None) -> ClientCredentials | None:
    if not client_id or not client_secret:
        return None
    return ClientCredentials(client_id, client_secret.get_secret_value())
