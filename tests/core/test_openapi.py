import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI

from app.core.errors import CATALOGUE, MEDIA_TYPE
from app.core.guard import (
    InsufficientScopeError,
    InvalidCredentialError,
    UnauthenticatedError,
    require,
)
from app.core.openapi import ANONYMOUS, install_openapi, operation_id, problems
from app.core.principal import Principal, Scope
from app.core.schemas import ChangeModel
from tests.gates.openapi_document import render_document

pytestmark = pytest.mark.unit
Json = dict[str, Any]  # Any: OpenAPI JSON


@dataclass(frozen=True, slots=True)
class Operation:
    path: str
    members: Json

    @property
    def errors(self) -> Iterator[tuple[int, Json]]:
        for status, response in self.members["responses"].items():
            if int(status) >= 400:
                yield int(status), response


class Renaming(ChangeModel):
    name: str = "unnamed"


@pytest.fixture(scope="module")
def document() -> Json:
    rendered: Json = json.loads(render_document())
    return rendered


@pytest.fixture(scope="module")
def operations(document: Json) -> list[Operation]:
    items = document["paths"].items()
    return [Operation(path, members) for path, item in items for members in item.values()]


def small_document() -> Json:
    """A guarded route that words no description, and an anonymous one."""
    router = APIRouter(tags=["things"])

    @router.get("/{name}", responses=problems(UnauthenticatedError, InvalidCredentialError))
    async def read(name: str, _: Annotated[Principal, require(Scope.ORG_READ, Scope.ADMIN)]) -> str:
        return name

    @router.patch("", openapi_extra=ANONYMOUS)
    async def rename(change: Renaming) -> str:
        """Give it another name."""
        return change.name

    app = FastAPI(generate_unique_id_function=operation_id)
    app.include_router(router, prefix="/things")
    install_openapi(app)
    return app.openapi()


def test_every_error_is_a_problem_of_the_catalogue(operations: list[Operation]) -> None:
    for operation in operations:
        for status, response in operation.errors:
            for code, example in response["content"][MEDIA_TYPE]["examples"].items():
                assert CATALOGUE[code].status == example["value"]["status"] == status


def test_no_error_of_the_frameworks_own_is_shown(document: Json) -> None:
    assert not {"HTTPValidationError", "ValidationError"} & document["components"]["schemas"].keys()


def test_a_guarded_operation_names_its_scopes_twice(operations: list[Operation]) -> None:
    guarded = [
        operation for operation in operations if operation.members["security"] != ANONYMOUS["security"]
    ]
    assert guarded
    for operation in guarded:
        for alternative in operation.members["security"]:
            [scopes] = alternative.values()
            assert set(scopes) <= set(Scope)
            assert all(f"`{scope}`" in operation.members["description"] for scope in scopes)


def test_an_operation_without_a_key_says_so_and_has_no_403_of_the_guard(operations: list[Operation]) -> None:
    anonymous = [op for op in operations if op.members["security"] == [{}]]
    assert anonymous
    for operation in anonymous:
        refusals = operation.members["responses"].get("403", {"content": {MEDIA_TYPE: {"examples": {}}}})
        assert InsufficientScopeError.code not in refusals["content"][MEDIA_TYPE]["examples"]


def test_operation_ids_are_their_tag_and_name_and_unique(operations: list[Operation]) -> None:
    names = [operation.members["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    for operation in operations:
        [tag] = operation.members["tags"]
        assert operation.members["operationId"].startswith(f"{tag}_")


def test_a_route_without_a_tag_is_called_by_its_name() -> None:
    app = FastAPI(generate_unique_id_function=operation_id)
    app.get("/ping", name="ping")(lambda: "pong")
    assert app.openapi()["paths"]["/ping"]["get"]["operationId"] == "ping"


def test_every_tag_is_described(document: Json, operations: list[Operation]) -> None:
    described = {tag["name"] for tag in document["tags"] if tag["description"]}
    assert {tag for operation in operations for tag in operation.members["tags"]} == described


def test_every_operation_is_described(operations: list[Operation]) -> None:
    assert [operation.path for operation in operations if not operation.members["description"]] == []


def test_every_answer_declares_both_families_of_limit_headers(operations: list[Operation]) -> None:
    for operation in operations:
        for status, response in operation.members["responses"].items():
            assert {"RateLimit", "RateLimit-Policy", "X-RateLimit-Reset"} <= response["headers"].keys()
            assert status != "429" or "Retry-After" in response["headers"]


def test_reset_is_said_to_be_unix_time(operations: list[Operation]) -> None:
    header = operations[0].members["responses"]["429"]["headers"]["X-RateLimit-Reset"]
    assert header["description"].startswith("Unix time")


def test_a_body_may_be_too_large_and_an_id_unknown() -> None:
    paths = small_document()["paths"]
    read, rename = paths["/things/{name}"]["get"]["responses"], paths["/things"]["patch"]["responses"]
    assert read.keys() - rename.keys() == {"401", "403", "404"}
    assert rename.keys() - read.keys() == {"413", "415"}


def test_errors_of_one_status_share_its_answer() -> None:
    response = small_document()["paths"]["/things/{name}"]["get"]["responses"]["401"]
    assert response["description"] == "Authentication required; The credential is not valid"
    assert list(response["content"][MEDIA_TYPE]["examples"]) == ["unauthenticated", "invalid_credential"]


def test_an_operation_without_words_still_names_its_scopes() -> None:
    paths = small_document()["paths"]
    assert paths["/things/{name}"]["get"]["description"] == "Needs the scopes `admin`, `org:read`."
    assert paths["/things"]["patch"]["description"] == "Give it another name."


def test_a_field_that_may_be_left_out_of_a_change_shows_no_default() -> None:
    assert "default" not in small_document()["components"]["schemas"]["Renaming"]["properties"]["name"]


def test_the_document_is_made_once() -> None:
    app = FastAPI()
    install_openapi(app)
    assert app.openapi() is app.openapi()
