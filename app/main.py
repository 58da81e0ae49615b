"""create_app(): the only file that knows everyone. `app.main:app` is built when it is first asked for."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import cache, partial

import httpx
import structlog
from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError
from starlette.datastructures import State
from starlette.middleware import Middleware

from app import __version__
from app.api_keys.authenticator import ApiKeyAuthenticator
from app.audit.aggregate import RefusalLog, written_each_minute
from app.auth.bearer import BearerAuthenticator
from app.auth.issuing import TokenIssuer
from app.auth.lockout.clients import DeviceCookies
from app.auth.lockout.limits import LoginLimits
from app.auth.lockout.rules import ClientRule
from app.auth.lockout.service import Lockout
from app.auth.oauth.admission import Admission, AdmissionParts
from app.auth.oauth.providers import configured_providers
from app.auth.oauth.service import OAuthService
from app.auth.oauth.state import StateCodec
from app.auth.oauth.transport import make_client
from app.auth.opening import SessionOpener, SessionPolicy
from app.auth.plain_login.service import PlainLogin
from app.auth.refresh import RefreshPolicy, RefreshService
from app.auth.second_factor.login import SecondFactorLogin
from app.auth.second_factor.proof import CodeProof
from app.auth.second_factor.sealing import SecretSeal
from app.auth.service import LoginParts, LoginService
from app.auth.sessions import end_sessions_in
from app.core.browser_cookies import BrowserCookies
from app.core.cache import BodyCache
from app.core.db import Database
from app.core.draining import draining_of, on_termination
from app.core.early.middleware import EarlyAnswersMiddleware
from app.core.idempotency import ReplayError
from app.core.idempotency_route import on_replay
from app.core.idempotency_seal import AnswerSeal
from app.core.job_waking import JobWaker
from app.core.key_refresh import refreshed
from app.core.keyring import KeyRing
from app.core.limits import AsyncLimiter
from app.core.logging import configure_logging
from app.core.loop_lag import measured_lag
from app.core.metrics import tell_version
from app.core.middleware import install_middleware
from app.core.openapi import install_openapi, operation_id
from app.core.pagination import CursorCodec
from app.core.passwords import Passwords
from app.core.principal import StaffPolicy
from app.core.principal_cache import PrincipalCache
from app.core.problems import install_error_handlers
from app.core.rate_limit_headers import RateLimitHeadersMiddleware
from app.core.redis import RedisClient
from app.core.refresh_tokens import RefreshTokens
from app.core.reports import configure_reports
from app.core.schema_version import SchemaVersion
from app.core.secret_links import ShownLinks
from app.core.tokens import AccessTokens
from app.core.tracing import configure_tracing, telemetry_config
from app.routes import BODY_LIMITS, EARLY, include_routers
from app.settings import Settings, get_settings
from app.summaries.announcing import RedisAnnouncer
from app.summaries.batches.places import BatchPlaces
from app.summaries.progress.desk import ProgressDesk
from app.summaries.reads import SummaryReads
from app.summaries.sharing.views import ViewCounter, written_every_few_seconds
from app.summaries.taking.service import IntakeDesk
from app.users.mail_tokens import MailTokens
from app.webhooks.signing import webhook_seal

# Of each process. A batch holds two connections while it runs, a document some times its size in memory.
BATCHES_AT_ONCE = 3
DOCUMENTS_AT_ONCE = 2

log = structlog.get_logger(__name__)


def create_app(settings: Settings | None = None, *, clock: Callable[[], float] = time.time) -> FastAPI:
    """Connects to nothing yet. `clock` gives epoch seconds. Raises SettingsError, KeyRingError."""
    settings = settings or get_settings()
    configure_logging(settings)
    configure_reports(settings, release=__version__)
    configure_tracing(settings, service="precis-api", release=__version__)
    tell_version(__version__)
    app = build_app(settings)
    connect(app, settings, clock=clock)
    return app


def build_app(settings: Settings) -> FastAPI:
    """Routes and middleware, for any servers: what a request needs of them it finds in the app's state."""
    app = FastAPI(
        title="Precis",
        version=__version__,
        summary="Summaries of web pages, texts and documents.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
        telemetry=telemetry_config(),
        lifespan=lifespan,
    )
    install_error_handlers(app)
    app.add_exception_handler(ReplayError, on_replay)
    early = [Middleware(EarlyAnswersMiddleware, routes=EARLY)]
    inner = [Middleware(RateLimitHeadersMiddleware)]
    install_middleware(app, settings, inner=inner, innermost=early, body_limits=BODY_LIMITS)
    include_routers(app)
    install_openapi(app)
    return app


def connect(app: FastAPI, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
    """The state of these settings, and of no others before. Raises KeyRingError."""
    app.state = State({"settings": settings, "clock": clock, "draining": False})
    _connect_stores(app, settings)
    _assemble_identity(app, settings)


def _connect_stores(app: FastAPI, settings: Settings) -> None:
    app.state.database = Database.from_settings(settings)
    app.state.schema_version = SchemaVersion(app.state.database)
    app.state.redis = RedisClient(settings.redis_url)
    app.state.cache = BodyCache(app.state.redis)
    app.state.principal_cache = PrincipalCache(app.state.redis)
    app.state.limiter = AsyncLimiter(app.state.redis, settings)
    app.state.refusals = RefusalLog(app.state.database)
    app.state.on_refusal = app.state.refusals.count
    app.state.cursors = CursorCodec(settings.signing_secret)
    app.state.summary_reads = SummaryReads(app.state.database, app.state.cache, app.state.cursors)
    app.state.share_links = ShownLinks.from_secret(settings.signing_secret)
    app.state.share_views = ViewCounter(app.state.database)
    app.state.webhook_seal = webhook_seal(settings.signing_secret)
    app.state.announcer = RedisAnnouncer(app.state.redis)
    app.state.job_waker = JobWaker(app.state.database)
    app.state.intake_desk = IntakeDesk.open(app.state.database, app.state.job_waker)
    app.state.batch_places = BatchPlaces(BATCHES_AT_ONCE)
    app.state.document_slots = asyncio.Semaphore(DOCUMENTS_AT_ONCE)
    app.state.progress = ProgressDesk.open(
        settings,
        app.state.database,
        app.state.redis,
        is_draining=draining_of(app.state),
    )
    app.state.answer_seal = AnswerSeal.from_secret(settings.signing_secret)


def _assemble_identity(app: FastAPI, settings: Settings) -> None:
    state = app.state
    state.key_ring = KeyRing.from_settings(settings, create=not settings.is_production_like)
    state.passwords = Passwords()
    state.mail_tokens = MailTokens.from_secret(settings.signing_secret)
    state.browser_cookies = BrowserCookies.from_settings(settings)
    access_tokens = AccessTokens(
        state.key_ring,
        issuer=settings.base_url,
        audience=settings.jwt_audience,
        lifetime_seconds=settings.access_token_expire_minutes * 60,
    )
    state.refresh_tokens = RefreshTokens.from_secret(settings.signing_secret)
    state.code_proof = CodeProof(SecretSeal.from_secret(settings.signing_secret), clock=state.clock)
    state.staff_policy = StaffPolicy(second_factor_required=settings.staff_must_have_second_factor)
    state.token_issuer = issuer = TokenIssuer(access_tokens, state.refresh_tokens)
    idle_lifetime = timedelta(days=settings.refresh_token_expire_days)
    state.login_service = LoginService(_login_parts(state, settings, issuer=issuer))
    state.oauth_http = make_client()
    state.oauth_service = make_oauth_service(state, settings, http=state.oauth_http)
    state.refresh_service = RefreshService(
        RefreshPolicy(
            idle_lifetime,
            timedelta(seconds=settings.refresh_reuse_grace_seconds),
            state.staff_policy,
            settings.reuse_revokes,
        ),
        database=state.database,
        issuer=issuer,
        cache=state.principal_cache,
    )
    state.end_sessions_in = partial(end_sessions_in, cache=state.principal_cache)
    state.authenticators = (
        ApiKeyAuthenticator(state.database, state.principal_cache),
        BearerAuthenticator(access_tokens, state.database, state.principal_cache, staff=state.staff_policy),
    )


def _login_parts(state: State, settings: Settings, *, issuer: TokenIssuer) -> LoginParts:
    devices = DeviceCookies.from_secret(settings.signing_secret, clock=state.clock)
    sessions = SessionPolicy(timedelta(days=settings.refresh_token_expire_days), state.staff_policy)
    rule = ClientRule(settings.max_login_attempts, timedelta(minutes=settings.lockout_duration_minutes))
    return LoginParts(
        database=state.database,
        passwords=state.passwords,
        limits=LoginLimits.from_secret(state.limiter, settings.signing_secret),
        devices=devices,
        lockout=Lockout(rule, clock=state.clock),
        second_factor=SecondFactorLogin(state.code_proof),
        plain=PlainLogin(
            sessions,
            database=state.database,
            issuer=issuer,
            devices=devices,
            must_be_verified=settings.email_verification == "required",
        ),
        opener=SessionOpener(sessions, issuer=issuer, devices=devices),
        email_verification=settings.email_verification,
    )


def make_oauth_service(state: State, settings: Settings, *, http: httpx.AsyncClient) -> OAuthService:
    """Tests bring a client of their own."""
    states = StateCodec(settings.signing_secret, clock=state.clock)
    logins: LoginService = state.login_service
    parts = AdmissionParts(
        database=state.database,
        states=states,
        logins=logins,
        second_factor=logins.parts.second_factor,
        email_verification=settings.email_verification,
    )
    providers = configured_providers(settings, http, clock=state.clock)
    return OAuthService(providers, states=states, admission=Admission(parts), base_url=settings.base_url)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Raises StaleSchemaError; an unreachable database only makes /health/ready say so, until it is back."""
    async with AsyncExitStack() as stack:
        for close in _closers(app.state):
            stack.push_async_callback(close)
        try:
            await app.state.schema_version.check()
        except (DBAPIError, OSError) as error:
            log.warning("database_unreachable_at_start", error=type(error).__name__)
        app.state.draining = False
        with on_termination(lambda: setattr(app.state, "draining", True)):
            async with (
                refreshed(app.state.key_ring),
                written_each_minute(app.state.refusals),
                written_every_few_seconds(app.state.share_views),
                measured_lag(),
            ):
                yield


def _closers(state: State) -> Sequence[Callable[[], Awaitable[None]]]:
    """The last of them first: what others still write through is closed after them."""
    return (
        state.database.dispose,
        state.redis.aclose,
        state.cache.aclose,
        state.passwords.aclose,
        state.oauth_http.aclose,
        state.progress.aclose,
        state.job_waker.aclose,
        state.intake_desk.together.aclose,
        state.refresh_service.together.aclose,
    )


@cache
def _default_app() -> FastAPI:
    return create_app()


def __getattr__(name: str) -> FastAPI:
    """`app`, for uvicorn, gunicorn and test clients; importing this module reads no setting."""
    if name == "app":
        return _default_app()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
