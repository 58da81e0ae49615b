"""GitHub speaks no OpenID: what its API says to the token is who came."""

from collections.abc import Mapping
from typing import Any

import httpx

from app.auth.oauth.errors import OAuthProviderError
from app.auth.oauth.exchange import GitHubClient, exchange_code, get_json
from app.auth.oauth.identity import Identity, read_email, read_name, read_subject
from app.auth.oauth.openid import ClientCredentials
from app.auth.oauth.state import Secrets

ISSUER = "https://github.com"
USER = "https://api.github.com/user"
EMAILS = "https://api.github.com/user/emails"
SCOPES = ["user:email"]


class GitHubProvider:
    name = "github"
    label = "GitHub"

    def __init__(self, http: httpx.AsyncClient, credentials: ClientCredentials) -> None:
        self._http = http
        self._client = GitHubClient(http, credentials.client_id, credentials.client_secret)

    async def authorization_url(self, *, redirect_uri: str, state: str, secrets: Secrets) -> str:
        return await self._client.get_authorization_url(
            redirect_uri, state, SCOPES, secrets.challenge, "S256"
        )

    async def identify(self, code: str, *, redirect_uri: str, secrets: Secrets) -> Identity:
        answer = await exchange_code(self._client, code, redirect_uri=redirect_uri, verifier=secrets.verifier)
        token = answer.get("access_token")
        if not isinstance(token, str):
            raise OAuthProviderError(internal="GitHub's answer holds no token")
        # Not httpx-oauth's get_id_email: it takes the public address, verified or not, and unbounded answers.
        user = await get_json(self._http, USER, token=token)
        emails = await get_json(self._http, EMAILS, token=token)
        return _read(user, email=_primary_email(emails))


def _read(user: object, *, email: str | None) -> Identity:
    fields: Mapping[str, Any] = user if isinstance(user, dict) else {}  # Any: JSON values
    subject = read_subject(fields.get("id"))
    if subject is None:
        raise OAuthProviderError(internal="GitHub's answer names nobody")
    return Identity(ISSUER, subject, email, read_name(fields.get("name")), read_name(fields.get("login")))


def _primary_email(emails: object) -> str | None:
    entries = [entry for entry in emails if isinstance(entry, dict)] if isinstance(emails, list) else []
    primary = next((entry for entry in entries if entry.get("primary") is True), {})
    return read_email(primary.get("email"), verified=primary.get("verified"))
