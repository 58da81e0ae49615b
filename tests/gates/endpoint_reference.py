"""`python -m tests.gates.endpoint_reference > docs/endpoints.md`, from the OpenAPI document."""

import json
import sys
from collections.abc import Iterator
from typing import Any

from tests.gates.openapi_document import render_document

Json = dict[str, Any]  # Any: OpenAPI JSON

HEAD = """# Endpoints

Generated from the OpenAPI document, which `/docs` shows with parameters, bodies and errors; a test keeps them
equal. Wherever GET is, HEAD is too. "Needs" is the scope that a token or an API key must have; `login` is any
login.
"""

TABLE = "| Endpoint | Needs | What it does |\n|---|---|---|\n"


def render_reference() -> str:
    document: Json = json.loads(render_document())
    operations = list(_operations(document["paths"]))
    return HEAD + "".join(
        _section(tag, [one for one in operations if one["tags"][0] == tag["name"]])
        for tag in document["tags"]
        if any(one["tags"][0] == tag["name"] for one in operations)
    )


def _operations(paths: Json) -> Iterator[Json]:
    for path, item in paths.items():
        for method, operation in item.items():
            if "operationId" in operation:
                yield {**operation, "method": method.upper(), "path": path}


def _section(tag: Json, operations: list[Json]) -> str:
    title = (
        f"\n## {tag['name']}\n\n{tag['description']}\n\n| Endpoint | Needs | What it does |\n|---|---|---|\n"
    )
    return title + "".join(_row(operation) for operation in operations)


def _row(operation: Json) -> str:
    first = operation["description"].split("\n")[0].replace("|", "\\|")
    return f"| `{operation['method']} {operation['path']}` | {_needs(operation['security'])} | {first} |\n"


def _needs(security: list[dict[str, list[str]]]) -> str:
    if {} in security:
        return "nothing"
    scopes = sorted({scope for scheme in security for names in scheme.values() for scope in names})
    return ", ".join(f"`{scope}`" for scope in scopes) or "login"


if __name__ == "__main__":
    sys.stdout.write(render_reference())
