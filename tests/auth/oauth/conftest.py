"""The app with three providers, all of which are the stub."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from pydantic import SecretStr

from app.auth.oauth.transport import make_client
from app.settings import Settings
from tests.auth.oauth.visitor import Observer, Visitor, forget_provider
from tests.openid_stub import CLIENT_ID, CLIENT_SECRET, OpenIdStub, Rerouted, serve_openid
from tests.servers import DatabaseUrls


@pytest.fixture
async def stub() -> AsyncIterator[OpenIdStub]:
    async with serve_openid() as stub:
        yield stub


@pytest.fixture
def settings(settings: Settings, stub: OpenIdStub) -> Settings:
    secret = SecretStr(CLIENT_SECRET)
    return settings.model_copy(
        update={
            "oidc_issuer": stub.issuer,
            # The limits are the same for every test; only the one about them counts.
            "rate_limit_scale": 20.0,
            **{f"{name}_client_id": CLIENT_ID for name in ("google", "github", "oidc")},
            **{f"{name}_client_secret": secret for name in ("google", "github", "oidc")},
        }
    )


@pytest.fixture
def built_app(built_app: FastAPI, stub: OpenIdStub) -> FastAPI:
    built_app.state.oauth_http = make_client(Rerouted(stub))
    forget_provider(built_app)
    return built_app


@pytest.fixture
def visitor(client: AsyncClient, stub: OpenIdStub) -> Visitor:
    return Visitor(client, stub)


@pytest.fixture
def observer(database_urls: DatabaseUrls) -> Observer:
    return Observer(database_urls.superuser)
