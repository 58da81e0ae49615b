import pytest
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from app.core.errors import FieldFault, RateLimitedError
from app.core.problems import from_http_exception
from app.core.validation_faults import MAX_FAULTS, MAX_POINTER_LENGTH, to_faults
from tests.core.small_app import connect, failing_app, get, post, problem, small_app

pytestmark = pytest.mark.unit


async def test_expected_error_becomes_its_problem_document() -> None:
    fault = FieldFault(pointer="/pot", code="short", detail="stout")
    error = RateLimitedError("Slow", headers={"X-Pot": "1"}, faults=[fault], internal="secret")
    response = await get(failing_app(error), "/fail")
    members = problem(response)
    assert (response.status_code, response.headers["x-pot"]) == (429, "1")
    assert (members["detail"], members["retryable"]) == ("Slow", True)
    assert members["errors"] == [{"pointer": "/pot", "code": "short", "detail": "stout"}]
    assert "secret" not in response.text


async def test_problem_is_never_cached() -> None:
    response = await get(failing_app(RateLimitedError()), "/fail")
    assert response.headers["cache-control"] == "no-store"


async def test_invalid_body_is_422_and_echoes_nothing() -> None:
    response = await post(small_app(), "/api/v1/items", json={"name": ["hunter2"], "count": "hunter2"})
    members = problem(response)
    assert (response.status_code, members["code"]) == (422, "validation_failed")
    assert {fault["pointer"] for fault in members["errors"]} == {"/name", "/count"}
    assert "hunter2" not in response.text


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": "a", "typo": 1}, "/typo"),
        ({"name": "a", "a/b~c": 1}, "/a~1b~0c"),
        ({"name": "a", "place": {}}, "/place/street"),
        ({"name": "a", "either": [1, "x"]}, "/either/1"),
        ([], ""),
    ],
)
async def test_pointer_leads_to_the_refused_field(body: object, pointer: str) -> None:
    response = await post(small_app(), "/api/v1/items", json=body)
    assert pointer in {fault["pointer"] for fault in problem(response)["errors"]}


async def test_no_pointer_names_a_member_of_a_union() -> None:
    response = await post(small_app(), "/api/v1/items", json={"name": "a", "either": {"x": 1}})
    assert {fault["pointer"] for fault in problem(response)["errors"]} == {"/either"}


async def test_refused_query_parameter_is_pointed_at() -> None:
    response = await get(small_app(), "/api/v1/items?limit=0")
    assert problem(response)["errors"][0]["pointer"] == "#/query/limit"


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
async def test_body_without_json_content_type_is_415_with_a_hint(content_type: str | None) -> None:
    headers = {"content-type": content_type} if content_type else {}
    response = await post(small_app(), "/api/v1/items", content=b'{"name":"a"}', headers=headers)
    assert (response.status_code, problem(response)["code"]) == (415, "unsupported_media_type")
    assert "application/json" in problem(response)["hint"]


async def test_json_for_a_form_route_is_415_with_a_hint() -> None:
    response = await post(small_app(), "/api/v1/form", json={"name": "a"})
    assert response.status_code == 415
    assert "form" in problem(response)["hint"]


async def test_missing_form_field_is_422() -> None:
    response = await post(small_app(), "/api/v1/form", data={"other": "a"})
    assert problem(response)["errors"][0]["pointer"] == "/name"


@pytest.mark.parametrize("content", [b"{", b'{"name": "a"', b"\xff\xfe", b"[" * 100_000])
async def test_malformed_json_is_400(content: bytes) -> None:
    headers = {"content-type": "application/json"}
    response = await post(small_app(), "/api/v1/items", content=content, headers=headers)
    assert (response.status_code, problem(response)["code"]) == (400, "malformed_request")


@pytest.mark.parametrize(
    "body",
    [
        {"name": "a\0b"},
        {"name": "a", "place": {"street": "\0"}},
        {"name": "a", "extra": {"x": [{"y": "\0"}]}},
        {"name": "a", "extra": {"\0": 1}},
    ],
)
async def test_nul_in_any_string_is_422(body: dict[str, object]) -> None:
    response = await post(small_app(), "/api/v1/items", json=body)
    assert (response.status_code, problem(response)["errors"][0]["code"]) == (422, "forbidden_character")


async def test_lone_surrogate_in_a_field_name_is_422_not_500() -> None:
    headers = {"content-type": "application/json"}
    body = rb'{"name": "a", "\ud800": 1}'
    response = await post(small_app(), "/api/v1/items", content=body, headers=headers)
    assert problem(response)["code"] == "validation_failed"


async def test_unknown_path_is_404() -> None:
    response = await get(small_app(), "/nowhere")
    assert (response.status_code, problem(response)["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("path", "allow"), [("/api/v1/items", "GET, HEAD, POST"), ("/api/v1/items/1", "DELETE, GET, HEAD")]
)
async def test_405_names_the_methods_of_every_route_at_the_path(path: str, allow: str) -> None:
    async with connect(small_app()) as client:
        response = await client.put(path)
    assert (response.status_code, response.headers["allow"]) == (405, allow)
    assert problem(response)["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (413, "body_too_large"),
        (415, "unsupported_media_type"),
        (503, "unavailable"),
        (418, "malformed_request"),
    ],
)
async def test_exception_of_the_framework_becomes_a_catalogue_class(status: int, code: str) -> None:
    response = await get(failing_app(HTTPException(status, "their words", {"X-Kept": "1"})), "/fail")
    assert (problem(response)["code"], response.headers["x-kept"]) == (code, "1")
    assert "their words" not in response.text


def test_server_error_of_the_framework_is_internal() -> None:
    assert from_http_exception(HTTPException(599), {}).code == "internal_error"


def test_faults_are_bounded_in_number_and_length() -> None:
    item = {"type": "extra_forbidden", "loc": ("body", "k" * 1000), "msg": "no", "input": "hunter2"}
    faults = to_faults(RequestValidationError([item] * 1000, body={"k" * 1000: 1}))
    assert len(faults) == MAX_FAULTS
    assert {len(fault.pointer) for fault in faults} == {MAX_POINTER_LENGTH}
