import pytest
from fastapi import APIRouter, FastAPI
from starlette.routing import Match
from starlette.types import Scope
from typing_extensions import override

from app.core.routing import GatedRouter
from tests.core.small_app import connect, get

pytestmark = pytest.mark.unit


def slice_router() -> APIRouter:
    inner, router = APIRouter(), APIRouter()

    @inner.get("/inner/{name}")
    async def read_inner(name: str) -> str:
        return name

    @router.get("")
    async def read_all() -> str:
        return "all"

    @router.get("/{name}")
    async def read_one(name: str) -> str:
        return name

    router.include_router(inner)
    return router


def gated() -> GatedRouter:
    return GatedRouter(slice_router(), prefix="/things")


def app_of(router: APIRouter) -> FastAPI:
    app = FastAPI(redirect_slashes=False)
    app.include_router(router)
    return app


class Watched(APIRouter):
    """Notes which paths it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.include_router(slice_router(), prefix="/things")

    @override
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        self.asked.append(scope["path"])
        return super().matches(scope)


@pytest.mark.parametrize("path", ["/other", "/things/a/b", "/thing", "/x/things"])
async def test_path_of_nobody_is_turned_away_at_the_gate(path: str) -> None:
    router = Watched()
    app = app_of(GatedRouter(router, prefix=""))
    assert (await get(app, path)).status_code == 404
    assert (await get(app, "/things/a")).status_code == 200
    assert set(router.asked) == {"/things/a"}


@pytest.mark.parametrize(
    ("path", "answer"),
    [("/things", "all"), ("/things/a", "a"), ("/things/inner/b", "b"), ("/things/%20", " ")],
)
async def test_routes_answer_nested_ones_too(path: str, answer: str) -> None:
    assert (await get(app_of(gated()), path)).json() == answer


async def test_method_that_is_not_served_is_still_405() -> None:
    async with connect(app_of(gated())) as client:
        assert (await client.post("/things/a")).status_code == 405


async def test_below_a_root_path_the_routes_are_asked_themselves() -> None:
    async with connect(app_of(gated()), root_path="/proxy") as client:
        assert (await client.get("/proxy/things/a")).json() == "a"
