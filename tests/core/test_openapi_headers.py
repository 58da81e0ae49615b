import pytest

from app.core.openapi_headers import Json, implied_headers

pytestmark = pytest.mark.unit

COMPONENTS: Json = {"Notes": {"properties": {"next_cursor": {}}}, "Note": {"properties": {"text": {}}}}
WAITED = {"Location", "ETag", "Preference-Applied"}


def operation(*headers: str, schema: Json | None = None, status: int = 200) -> Json:
    """It has a query parameter that is called like a header, too."""
    parameters = [{"name": name, "in": "header"} for name in headers] + [{"name": "prefer", "in": "query"}]
    content = {"application/json": {"schema": schema}} if schema else {}
    return {"parameters": parameters, "responses": {str(status): {"content": content}}}


@pytest.mark.parametrize(
    ("asked", "status", "expected"),
    [
        ([], 200, set()),
        (["If-None-Match"], 200, {"ETag"}),
        (["If-None-Match"], 304, {"ETag"}),
        (["If-Match"], 204, set()),
        (["If-Match"], 412, set()),
        (["Idempotency-Key"], 201, {"Idempotent-Replayed"}),
        (["Idempotency-Key"], 422, set()),
        (["Prefer"], 201, WAITED),
        (["Prefer"], 202, WAITED | {"Retry-After"}),
        (["Prefer"], 207, set()),
        (["Prefer"], 429, set()),
    ],
)
def test_an_answer_has_what_was_asked_for(asked: list[str], status: int, expected: set[str]) -> None:
    assert set(implied_headers(operation(*asked, status=status), status, COMPONENTS)) == expected


@pytest.mark.parametrize(("name", "expected"), [("Notes", {"Link"}), ("Note", set()), ("Gone", set())])
def test_a_page_leads_to_the_next(name: str, expected: set[str]) -> None:
    page = operation(schema={"$ref": f"#/components/schemas/{name}"})
    assert set(implied_headers(page, 200, COMPONENTS)) == expected
