"""What the reference says of credentials."""

import json
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI

from app.core.guard import RecentLoginRequiredError, authenticate, require
from app.core.openapi import ANONYMOUS, install_openapi, problems
from app.core.openapi_security import MEANINGS, REFRESH_URL, TOKEN_URL
from app.core.principal import Principal, Scope
from tests.gates.openapi_document import render_document

pytestmark = pytest.mark.unit
Json = dict[str, Any]  # Any: OpenAPI JSON
LOGINS = {"AccessToken", "BrowserCookie"}
KEYS = {"ApiKey", "ApiKeyAsBearer"}


@pytest.fixture(scope="module")
def document() -> Json:
    rendered: Json = json.loads(render_document())
    return rendered


def small_document() -> Json:
    router = APIRouter()

    @router.get("/read")
    async def read(_: Annotated[Principal, require(Scope.ORG_READ)]) -> None: ...

    @router.get("/staff")
    async def staff(_: Annotated[Principal, require(Scope.ORG_READ, Scope.USERS_READ)]) -> None: ...

    @router.get("/recent", responses=problems(RecentLoginRequiredError))
    async def recent(_: Annotated[Principal, require(Scope.ORG_READ)]) -> None: ...

    @router.get("/leave")
    async def leave(_: Annotated[Principal, Depends(authenticate)]) -> None: ...

    @router.get("/open", openapi_extra=ANONYMOUS)
    async def anybody() -> None: ...

    app = FastAPI()
    app.include_router(router)
    install_openapi(app)
    return app.openapi()


def alternatives(path: str) -> Json:
    security = small_document()["paths"][path]["get"]["security"]
    return {name: scopes for item in security for name, scopes in item.items()}


def test_an_anonymous_operation_names_no_scheme() -> None:
    assert alternatives("/open") == {}


def test_a_key_is_no_way_to_what_no_key_may_have_or_needs_a_login() -> None:
    for path in ("/staff", "/recent", "/leave"):
        assert alternatives(path).keys() == LOGINS


def test_every_alternative_names_the_same_scopes() -> None:
    assert alternatives("/read") == {name: ["org:read"] for name in LOGINS | KEYS}
    assert alternatives("/staff") == {name: ["org:read", "users:read"] for name in LOGINS}
    assert alternatives("/leave") == {name: [] for name in LOGINS}


def test_a_document_without_guarded_operations_has_no_schemes() -> None:
    app = FastAPI()
    install_openapi(app)
    assert "securitySchemes" not in app.openapi()["components"]


def test_the_password_flow_offers_every_scope_with_its_meaning(document: Json) -> None:
    flow = document["components"]["securitySchemes"]["AccessToken"]["flows"]["password"]
    assert flow["scopes"].keys() == set(Scope) == MEANINGS.keys()
    assert all(flow["scopes"].values())


def test_the_flows_addresses_are_operations(document: Json) -> None:
    assert {TOKEN_URL, REFRESH_URL} <= document["paths"].keys()


def test_every_scheme_that_is_named_is_described_and_the_other_way_round(document: Json) -> None:
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    named = {name for operation in operations for item in operation["security"] for name in item}
    assert named == LOGINS | KEYS == document["components"]["securitySchemes"].keys()
