"""A bound on every schema in the OpenAPI document, for clients that reserve room and refuse the absurd.

What a format already says is written down everywhere. What comes in gets no other bound from here: it
would be a promise that nobody keeps, so models declare their own. What goes out gets the widest one.
"""

from collections.abc import Iterable, Iterator
from typing import Any

Json = dict[str, Any]  # Any: OpenAPI JSON

# RFC 9562 section 4; RFC 3339 with nanoseconds and an offset.
FORMAT_LENGTHS = {"uuid": 36, "date-time": 35}
# RFC 8259 section 6: the integers that every reader of JSON keeps exact.
EXACT = 2**53 - 1
INT32_MAX = 2**31 - 1
WIDEST: dict[str, Json] = {
    # The extracted text of the largest page that is read, 5 MiB.
    "string": {"maxLength": 5 * 1024 * 1024},
    "integer": {"minimum": -EXACT, "maximum": EXACT},
    "array": {"maxItems": 1000},
}


def limit_schemas(document: Json) -> None:
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    components: dict[str, Json] = document["components"]["schemas"]
    incoming = _reachable(_incoming(operations), components)
    outgoing = _reachable(_outgoing(operations), components)
    for schema in (*incoming, *outgoing):
        _fill(schema, _implied(schema))
    sent = {id(schema) for schema in incoming}
    for schema in outgoing:
        if id(schema) not in sent and not schema.keys() & {"enum", "const"}:
            # A file is sent while it is read, however long it gets.
            is_file = schema.get("format") == "binary"
            _fill(schema, {"maxLength": EXACT} if is_file else WIDEST.get(schema.get("type", ""), {}))


def _incoming(operations: Iterable[Json]) -> Iterator[Json]:
    for operation in operations:
        yield from (parameter["schema"] for parameter in operation.get("parameters", []))
        yield from _contents(operation.get("requestBody", {}))


def _outgoing(operations: Iterable[Json]) -> Iterator[Json]:
    for operation in operations:
        for response in operation["responses"].values():
            yield from _contents(response)


def _contents(message: Json) -> Iterator[Json]:
    return (content["schema"] for content in message.get("content", {}).values())


def _reachable(roots: Iterable[Json], components: dict[str, Json]) -> list[Json]:
    """These schemas and all inside them, through references too, each component once."""
    pending, found, followed = list(roots), [], set()
    while pending:
        schema = pending.pop()
        found.append(schema)
        pending += _parts(schema)
        name = schema.get("$ref", "").rpartition("/")[2]
        if name and name not in followed:
            followed.add(name)
            pending.append(components[name])
    return found


def _parts(schema: Json) -> Iterator[Json]:
    yield from schema.get("properties", {}).values()
    for word in ("anyOf", "oneOf", "allOf"):
        yield from schema.get(word, [])
    for word in ("items", "additionalProperties"):
        # `additionalProperties` may also be a plain true or false.
        if isinstance(schema.get(word), dict):
            yield schema[word]


def _implied(schema: Json) -> Json:
    if schema.get("type") == "integer":
        widest = max(abs(schema.get(bound, EXACT)) for bound in ("minimum", "maximum"))
        return {"format": "int32" if widest <= INT32_MAX else "int64"}
    length = FORMAT_LENGTHS.get(schema.get("format", ""))
    return {"maxLength": length} if length else {}


def _fill(schema: Json, values: Json) -> None:
    """What the model says itself, stays."""
    for word, value in values.items():
        schema.setdefault(word, value)
