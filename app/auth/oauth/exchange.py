"""Asking a provider, and telling its faults apart: out of order, refusing the code, answering nonsense."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from typing import Any

import httpx
from httpx_oauth.clients.github import GitHubOAuth2
from httpx_oauth.clients.google import GoogleOAuth2
from httpx_oauth.exceptions import HTTPXOAuthError
from httpx_oauth.oauth2 import BaseOAuth2, OAuth2

from app.auth.oauth.errors import OAuthCodeError, OAuthProviderError, OAuthUnavailableError
from app.core.errors import ProblemError

# RFC 6749, 5.2, and what GitHub calls the same.
CODE_REFUSED = frozenset({"invalid_grant", "bad_verification_code"})
SERVER_ERROR, TOO_MANY = 500, 429

OAuthClient = BaseOAuth2[Any]  # Any: each provider's own extra parameters


class _OverOneClient:
    """httpx-oauth opens a client per call; ours is bounded, and the process's only one."""

    def __init__(self, http: httpx.AsyncClient, *args: Any, **kwargs: Any) -> None:  # Any: httpx-oauth's own
        super().__init__(*args, **kwargs)
        self.http = http

    def get_httpx_client(self) -> AbstractAsyncContextManager[httpx.AsyncClient]:
        return nullcontext(self.http)


class GoogleClient(_OverOneClient, GoogleOAuth2):
    pass


class GitHubClient(_OverOneClient, GitHubOAuth2):
    pass


class PlainClient(_OverOneClient, OAuth2):
    pass


async def exchange_code(
    client: OAuthClient, code: str, *, redirect_uri: str, verifier: str
) -> dict[str, Any]:  # Any: JSON values
    """The provider's token answer. Raises OAuthCodeError, OAuthProviderError, OAuthUnavailableError."""
    with faults_told_apart():
        answer = await client.get_access_token(code, redirect_uri, verifier)
        if "error" in answer:  # GitHub answers 200 to a wrong code
            raise _refusal(answer["error"])
        return answer


async def get_json(http: httpx.AsyncClient, url: str, *, token: str | None = None) -> Any:  # Any: JSON
    """Raises OAuthProviderError, OAuthUnavailableError."""
    with faults_told_apart():
        response = await http.get(url, headers={"Authorization": f"Bearer {token}"} if token else {})
        response.raise_for_status()
        return response.json()


@contextmanager
def faults_told_apart() -> Iterator[None]:
    """None of these texts leaves by the answer; types only, as a provider may quote the code or a token."""
    try:
        yield
    except HTTPXOAuthError as error:
        raise _judge(error.__cause__ or error) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _judge(error) from None
    except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
        # httpx-oauth believes that JSON is an object, that expires_in is a number, and the like.
        raise OAuthProviderError(internal=f"nonsense from a provider: {type(error).__name__}") from None


def _judge(fault: BaseException) -> ProblemError:
    if isinstance(fault, httpx.TransportError):
        return OAuthUnavailableError(internal=f"no answer from a provider: {type(fault).__name__}")
    if not isinstance(fault, httpx.HTTPStatusError):
        return OAuthProviderError(internal=f"nonsense from a provider: {type(fault).__name__}")
    status = fault.response.status_code
    if status >= SERVER_ERROR or status == TOO_MANY:
        return OAuthUnavailableError(internal=f"a provider answered {status}")
    return _refusal(_error_of(fault.response), status=status)


def _error_of(response: httpx.Response) -> object:
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return None
    return body.get("error") if isinstance(body, dict) else None


def _refusal(error: object, *, status: int = 200) -> ProblemError:
    if isinstance(error, str) and error in CODE_REFUSED:
        return OAuthCodeError(internal=f"a provider says {error}")
    return OAuthProviderError(internal=f"a provider refused our request, status {status}")
