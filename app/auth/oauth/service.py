"""Login by another provider, in two visits; while the provider is asked no connection is held."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.auth.oauth.admission import Admission, CodeNeeded, LoggedIn
from app.auth.oauth.errors import (
    OAuthCodeError,
    OAuthDeniedError,
    OAuthProviderError,
    OAuthStateError,
    OAuthUnavailableError,
)
from app.auth.oauth.linking import Visitor
from app.auth.oauth.providers import Provider
from app.auth.oauth.state import LinkingSession, Mode, StateCodec
from app.auth.service import Device
from app.core.auth_metrics import OAUTH
from app.core.errors import NotFoundError, ProblemError
from app.core.principal import Principal

CALLBACK = "/api/v1/auth/oauth/{provider}/callback"
# RFC 6749, 4.1.2.1, and OpenID Connect Core, 3.1.2.6: what its user decided, and what will pass.
DENIALS = frozenset({"access_denied", "consent_required", "login_required", "interaction_required"})
PASSING = frozenset({"server_error", "temporarily_unavailable"})


@dataclass(frozen=True, slots=True)
class Departure:
    """`browser` is to come back as the cookie."""

    url: str
    browser: str


@dataclass(frozen=True, slots=True)
class Return:
    """What came back by the browser: the provider's parameters, and our cookie."""

    state: str
    browser: str
    code: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Linked:
    provider: str


class OAuthService:
    def __init__(
        self, providers: Mapping[str, Provider], *, states: StateCodec, admission: Admission, base_url: str
    ) -> None:
        self._providers = providers
        self._states = states
        self._admission = admission
        self._base_url = base_url

    @property
    def providers(self) -> Sequence[Provider]:
        return list(self._providers.values())

    async def begin(self, name: str, mode: Mode, *, linking: LinkingSession | None = None) -> Departure:
        """Raises NotFoundError, OAuthProviderError, OAuthUnavailableError."""
        provider = self._provider(name)
        begun = self._states.begin(name, mode, linking=linking)
        url = await provider.authorization_url(
            redirect_uri=self._redirect_uri(name), state=begun.state, secrets=begun.secrets
        )
        return Departure(url, begun.browser)

    async def begin_linking(self, name: str, principal: Principal) -> Departure:
        """Whoever comes back with it is joined to this person, if this session still lives then."""
        own = LinkingSession(principal.credential_id, principal.organization_id, principal.user_id)
        return await self.begin(name, "link", linking=own)

    async def finish(self, name: str, back: Return, *, device: Device) -> LoggedIn | CodeNeeded | Linked:
        """Raises NotFoundError, and the errors of `errors.py`, of linking and of a login."""
        provider = self._provider(name)
        try:
            entered = await self._finish(provider, back, device=device)
        except ProblemError as error:
            OAUTH.refuse(error)
            raise
        # Who is still to bring a code, or only links an account, has not been let in by this.
        if isinstance(entered, LoggedIn):
            OAUTH.accept()
        return entered

    async def _finish(
        self, provider: Provider, back: Return, *, device: Device
    ) -> LoggedIn | CodeNeeded | Linked:
        name = provider.name
        attempt, secrets = self._states.read(back.state, browser=back.browser, provider=name)
        if attempt.proved is not None:
            raise OAuthStateError(internal="a ticket for the second factor is no state")
        await self._admission.spend(attempt)
        if back.error is not None or not back.code:
            raise _refusal(back.error)
        identity = await provider.identify(back.code, redirect_uri=self._redirect_uri(name), secrets=secrets)
        visitor = Visitor(name, identity, device.address)
        if attempt.linking is None:
            return await self._admission.enter(visitor, attempt.mode, device=device)
        await self._admission.link(attempt.linking, visitor)
        return Linked(name)

    async def finish_with_code(self, name: str, ticket: str, *, code: str, device: Device) -> LoggedIn:
        """Raises OAuthStateError, LoginFailedError, EmailNotVerifiedError."""
        with OAUTH:
            return await self._finish_with_code(name, ticket, code=code, device=device)

    async def _finish_with_code(self, name: str, ticket: str, *, code: str, device: Device) -> LoggedIn:
        state, _, browser = ticket.partition(".")
        attempt, _ = self._states.read(state, browser=browser, provider=name)
        if attempt.proved is None:
            raise OAuthStateError(internal="a state is no ticket for the second factor")
        return await self._admission.enter_with_code(attempt, attempt.proved, code=code, device=device)

    def _provider(self, name: str) -> Provider:
        provider = self._providers.get(name)
        if provider is None:
            raise NotFoundError("There is no such login provider here")
        return provider

    def _redirect_uri(self, name: str) -> str:
        return self._base_url + CALLBACK.format(provider=name)


def _refusal(error: str | None) -> ProblemError:
    """The provider's own words are not passed on: whoever made the link has written them."""
    if error is None:
        return OAuthCodeError(internal="no code came back")
    if error in DENIALS:
        return OAuthDeniedError()
    if error in PASSING:
        return OAuthUnavailableError(internal=f"the provider says {error}")
    return OAuthProviderError(internal="the provider refused the authorization request")
