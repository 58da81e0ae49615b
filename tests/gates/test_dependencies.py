"""What a route is given is made on the event loop: a plain `def` goes to a thread and back, 50-100 µs."""

from collections.abc import Callable, Iterator
from inspect import isasyncgenfunction, iscoroutinefunction, isroutine
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIWebSocketRoute, iter_route_contexts

from app.main import build_app
from tests.core.small_app import small_settings

pytestmark = pytest.mark.unit

# They block, so a thread is where they belong.
BLOCKING = {"app.health.router.metrics"}


def in_threads(app: FastAPI) -> set[str]:
    """Of every route, web sockets too: what FastAPI calls in a thread."""
    routes = [context.original_route for context in iter_route_contexts(app.routes)]
    called = [route.dependant for route in routes if isinstance(route, APIRoute | APIWebSocketRoute)]
    return {name_of(call) for dependant in called for call in calls(dependant) if not is_async(call)}


def calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:  # Any: whatever a route is given
    if dependant.call is not None:
        yield dependant.call
    for inner in dependant.dependencies:
        yield from calls(inner)


def is_async(call: Callable[..., Any]) -> bool:  # Any: as above
    """A class counts as none: FastAPI makes its instances in a thread, too."""
    if isinstance(call, type):
        return False
    function = call if isroutine(call) else type(call).__call__
    return iscoroutinefunction(function) or isasyncgenfunction(function)


def name_of(call: Callable[..., Any]) -> str:  # Any: as above
    kind = call if isinstance(call, type) or isroutine(call) else type(call)
    return f"{kind.__module__}.{kind.__qualname__}"


def plain() -> None: ...


class Made:
    async def __call__(self) -> None: ...


def test_plain_functions_and_classes_are_found() -> None:
    app = FastAPI()

    @app.get("/")
    async def route(_a: Annotated[None, Depends(plain)], _b: Annotated[Made, Depends(Made)]) -> None: ...

    assert in_threads(app) == {f"{__name__}.plain", f"{__name__}.Made"}


def test_objects_with_an_async_call_are_fine() -> None:
    app = FastAPI(dependencies=[Depends(Made())])

    @app.get("/")
    async def route() -> None: ...

    assert in_threads(app) == set()


def test_no_route_goes_to_a_thread_but_for_what_blocks() -> None:
    assert in_threads(build_app(small_settings())) == BLOCKING
