"""Response headers that follow from what an operation takes: who may ask by one is answered by another."""

from typing import Any

Json = dict[str, Any]  # Any: OpenAPI JSON

TEXT: Json = {"type": "string", "maxLength": 2000}
ETAG: Json = {"ETag": {"description": "For If-None-Match and If-Match.", "schema": TEXT}}
LINK: Json = {"Link": {"description": "`rel=next`: the next page, where there is one.", "schema": TEXT}}
LOCATION: Json = {"Location": {"description": "Where it is found.", "schema": TEXT}}
REPLAYED: Json = {
    "Idempotent-Replayed": {
        "description": "`true`: the answer that the first request with this Idempotency-Key had.",
        "schema": TEXT,
    }
}
WAITED: Json = {"Preference-Applied": {"description": "How long was waited at most.", "schema": TEXT}}
NUMBER: Json = {"type": "integer", "format": "int64", "minimum": 0, "maximum": 2**53}
RETRY_AFTER: Json = {"Retry-After": {"description": "Seconds to wait.", "schema": NUMBER}}
ACCEPTED, NO_CONTENT, MULTI_STATUS, NOT_MODIFIED = 202, 204, 207, 304
SUCCESSES = frozenset(range(200, 300))
TAGGED = SUCCESSES - {NO_CONTENT} | {NOT_MODIFIED}


def implied_headers(operation: Json, status: int, components: Json) -> Json:
    asked = {one["name"].lower() for one in operation.get("parameters", []) if one["in"] == "header"}
    headers: Json = {}
    if status in TAGGED and asked & {"if-match", "if-none-match"}:
        headers |= ETAG
    if status not in SUCCESSES:
        return headers
    if "idempotency-key" in asked:
        headers |= REPLAYED
    if "prefer" in asked and status != MULTI_STATUS:
        headers |= {**LOCATION, **ETAG, **WAITED, **(RETRY_AFTER if status == ACCEPTED else {})}
    if _is_page(operation["responses"][str(status)], components):
        headers |= LINK
    return headers


def _is_page(response: Json, components: Json) -> bool:
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    named = components.get(schema.get("$ref", "").rpartition("/")[2], {})
    return "next_cursor" in named.get("properties", {})
