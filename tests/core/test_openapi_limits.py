from typing import Any

import pytest

from app.core.openapi_limits import EXACT, WIDEST, Json, limit_schemas

pytestmark = pytest.mark.unit

REFERENCE: Json = {"$ref": "#/components/schemas/Item"}


def content(schema: Json) -> Json:
    return {"content": {"application/json": {"schema": schema}}}


def limited(schema: Json, *, incoming: bool = False, **components: Json) -> Json:
    """The schema as the document has it afterwards, in an answer or in a body."""
    operation = {"responses": {"200": {} if incoming else content(schema)}}
    request = {"requestBody": content(schema)} if incoming else {}
    limit_schemas({"paths": {"/": {"post": operation | request}}, "components": {"schemas": components}})
    return schema


@pytest.mark.parametrize("kind", WIDEST)
def test_what_comes_in_gets_no_bound_that_its_model_does_not_keep(kind: str) -> None:
    assert limited({"type": kind}, incoming=True).keys() <= {"type", "format"}


def test_a_component_that_also_comes_in_gets_none() -> None:
    item: Json = {"type": "string"}
    operation = {"requestBody": content(REFERENCE), "responses": {"200": content(REFERENCE)}}
    limit_schemas({"paths": {"/": {"put": operation}}, "components": {"schemas": {"Item": item}}})
    assert item == {"type": "string"}


def test_a_parameter_gets_none() -> None:
    operation = {"parameters": [{"schema": (schema := {"type": "string"})}], "responses": {}}
    limit_schemas({"paths": {"/": {"get": operation}}, "components": {"schemas": {}}})
    assert schema == {"type": "string"}


@pytest.mark.parametrize("own", [{"maxLength": 5}, {"enum": ["a"]}, {"const": "a"}])
def test_a_bound_of_the_models_own_stays(own: dict[str, Any]) -> None:
    assert limited({"type": "string", **own}) == {"type": "string", **own}


@pytest.mark.parametrize("kind", WIDEST)
def test_what_goes_out_is_bounded(kind: str) -> None:
    assert limited({"type": kind}).items() >= WIDEST[kind].items()


def test_a_file_that_goes_out_may_be_of_any_length() -> None:
    assert limited({"type": "string", "format": "binary"})["maxLength"] == EXACT


@pytest.mark.parametrize("incoming", [True, False])
@pytest.mark.parametrize(("name", "length"), [("uuid", 36), ("date-time", 35)])
def test_a_format_says_the_length(name: str, length: int, incoming: bool) -> None:  # noqa: FBT001  # a parameter
    assert limited({"type": "string", "format": name}, incoming=incoming)["maxLength"] == length


@pytest.mark.parametrize(("maximum", "name"), [(100, "int32"), (2**31, "int64"), (EXACT, "int64")])
def test_an_integers_bounds_say_its_format(maximum: int, name: str) -> None:
    schema = {"type": "integer", "minimum": 0, "maximum": maximum}
    assert limited(schema, incoming=True)["format"] == name


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ({"type": "object", "properties": {"a": (a := {"type": "string"})}}, a),
        ({"anyOf": [b := {"type": "string"}, {"type": "null"}]}, b),
        ({"type": "array", "items": (c := {"type": "string"})}, c),
        ({"type": "object", "additionalProperties": (d := {"type": "string"})}, d),
    ],
    ids=["properties", "anyOf", "items", "additionalProperties"],
)
def test_a_schema_inside_another_is_bounded(outer: Json, inner: Json) -> None:
    limited(outer)
    assert "maxLength" in inner


def test_additional_properties_may_be_a_plain_no() -> None:
    schema = {"type": "object", "additionalProperties": False}
    assert limited(schema) == {"type": "object", "additionalProperties": False}


def test_a_component_that_contains_itself_is_followed_once() -> None:
    item: Json = {"type": "object", "properties": {"name": {"type": "string"}, "parent": REFERENCE}}
    limited({"type": "array", "items": REFERENCE}, Item=item)
    assert "maxLength" in item["properties"]["name"]
