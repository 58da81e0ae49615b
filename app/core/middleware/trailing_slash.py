"""`/items/` is `/items`, without a redirect: that would lose the body of careless clients' POSTs."""

from starlette.types import ASGIApp, Receive, Scope, Send


class TrailingSlashMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan" and scope["path"] != "/":
            scope["path"] = scope["path"].removesuffix("/")
        await self.app(scope, receive, send)
