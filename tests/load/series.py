"""How many series the service exposes after many tenants asked for many paths, and what their labels say.

`python -m tests.load.series [--tenants 500] [--paths 200]`, with DATABASE_URL and REDIS_URL of a migrated
database and a Valkey that may be written to. A process of its own, as a registry keeps what it ever had.
"""

import argparse
import asyncio
import json
import random
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import Message, Scope

from app.core.guard import InvalidCredentialError
from app.core.metrics import render_metrics
from app.core.principal import MembershipRole, Plan, Principal, StaffRole
from app.core.principal import Scope as Permission
from app.main import create_app
from app.settings import load_settings

SEED = 6
AT_ONCE = 20
REQUEST_SECONDS = 20
PARAMETER = re.compile(r"\{[^}]*\}")
IDENTIFIER = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}|://|@", re.IGNORECASE)
# What no route answers, what one answers, and what one refuses.
KINDS = ("unknown", "stranger", "tenant", "wrong method", "made-up method")
ODD_METHODS = ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "POST")


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    path: str
    tenant: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    name: str
    labels: dict[str, str]


class TenantByName:
    """In place of keys and tokens: `tenant-<id>` owns that organisation, though neither of them is there."""

    def recognises(self, credential: str) -> bool:
        return credential.startswith("tenant-")

    def expected(self, _credential: str) -> Principal | None:
        return None

    async def authenticate(self, credential: str, *, address: str | None) -> Principal:
        try:
            tenant = UUID(credential.removeprefix("tenant-"))
        except ValueError:
            raise InvalidCredentialError(address) from None
        return Principal(
            "user",
            tenant,
            tenant,
            tenant,
            StaffRole.USER,
            MembershipRole.OWNER,
            Plan.FREE,
            frozenset(Permission),
        )


def operations(app: FastAPI) -> list[tuple[str, str]]:
    """Each method and template."""
    contexts = [context for context in iter_route_contexts(app.routes) if context.path]
    return [(method, str(c.path)) for c in contexts for method in sorted(getattr(c, "methods", None) or ())]


def calls_of(
    tenant: str, operations: Sequence[tuple[str, str]], *, paths: int, dice: random.Random
) -> Iterator[Call]:
    for _ in range(paths):
        kind = dice.choice(KINDS)
        method, template = dice.choice(operations)
        path = PARAMETER.sub(lambda _: str(UUID(int=dice.getrandbits(128))), template)
        match kind:
            case "unknown":
                yield Call("GET", f"/{dice.getrandbits(64):x}/https://example.com/{tenant}", tenant)
            case "stranger":
                yield Call(method, path)
            case "tenant":
                yield Call(method, path, tenant)
            case "wrong method":
                yield Call(dice.choice(ODD_METHODS), path, tenant)
            case _:
                yield Call(f"BREW{dice.getrandbits(32)}", path, tenant)


async def send(app: FastAPI, call: Call) -> None:
    """What it answers is nobody's concern; a stream ends, as its client is gone at once."""
    messages: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def swallow(_message: Message) -> None:
        pass

    async with asyncio.timeout(REQUEST_SECONDS):
        await app(scope_of(call), receive, swallow)


def scope_of(call: Call) -> Scope:
    headers = [(b"host", b"127.0.0.1:8000")]
    if call.tenant:
        headers.append((b"authorization", f"Bearer tenant-{call.tenant}".encode()))
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": call.method,
        "path": call.path,
        "raw_path": call.path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": headers,
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }


def exposed() -> list[Sample]:
    families = text_string_to_metric_families(render_metrics().decode())
    return [Sample(sample.name, sample.labels) for family in families for sample in family.samples]


def leaks(samples: Sequence[Sample], templates: set[str]) -> list[str]:
    """Label values that name somebody or something, or a path that is no template."""
    values = {(name, value) for sample in samples for name, value in sample.labels.items()}
    found = {f"{name}={value}" for name, value in values if IDENTIFIER.search(value)}
    return sorted(found | {value for name, value in values if name == "handler" and value not in templates})


async def drive(app: FastAPI, *, tenants: int, paths: int) -> dict[str, object]:
    dice = random.Random(SEED)  # noqa: S311  # no secret: the same run each time
    served = operations(app)
    names = [str(UUID(int=dice.getrandbits(128))) for _ in range(tenants)]
    halves = []
    for some in (names[: tenants // 2], names[tenants // 2 :]):
        calls = [call for tenant in some for call in calls_of(tenant, served, paths=paths, dice=dice)]
        for start in range(0, len(calls), AT_ONCE):
            await asyncio.gather(*(send(app, call) for call in calls[start : start + AT_ONCE]))
        halves.append(len(exposed()))
    templates = {template for _, template in served} | {"none"}
    return {
        "requests": tenants * paths,
        "series": halves[-1],
        "series_after_half": halves[0],
        "leaks": leaks(exposed(), templates),
    }


async def measure(*, tenants: int, paths: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(
            environment="testing", testing=True, jwt_keys_dir=Path(folder), log_level="CRITICAL"
        )
        app = create_app(settings)
        app.state.authenticators = (TenantByName(),)
        async with LifespanManager(app):
            return await drive(app, tenants=tenants, paths=paths)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, default=500)
    parser.add_argument("--paths", type=int, default=200)
    options = parser.parse_args()
    sys.stdout.write(json.dumps(asyncio.run(measure(tenants=options.tenants, paths=options.paths))) + "\n")


if __name__ == "__main__":
    main()
