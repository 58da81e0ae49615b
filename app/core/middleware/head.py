"""HEAD wherever GET is (RFC 9110, section 9.3.2): the headers of the same answer, and no body."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# In the scope, for what counts looks: nobody sees this answer.
WAS_HEAD = "precis.was_head"
ROUTE_KEYS = ("route", "fastapi")


class HeadMiddleware:
    """Outside of what changes bodies, so that their length is told as GET would tell it.

    An answer that comes in pieces ends with the first of them: nobody reads the rest, and an event stream has
    no end. It is cancelled as a task is, once: whatever it has open it may still close.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        answering = asyncio.current_task()
        is_cut = False

        async def send_head(message: Message) -> None:
            nonlocal is_cut
            if message["type"] == "http.response.start":
                await send(message)
            elif message["type"] == "http.response.body" and not is_cut:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                is_cut = bool(message.get("more_body", False))
                if is_cut and answering is not None:
                    answering.cancel()

        asked = {**scope, "method": "GET", WAS_HEAD: True}
        try:
            await self.app(asked, receive, send_head)
            # Where it ended without noticing, it is cancelled here.
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            if not is_cut or (answering is not None and answering.uncancel() > 0):
                raise
        finally:
            # The log line and the figures outside of here name the route that answered.
            scope.update({name: asked[name] for name in ROUTE_KEYS if name in asked})
