"""Starlette's compression, which small answers pass without being looked at: most are, and say so.

Its own way makes an object a request that reads all headers twice, to find that there is nothing to do.
"""

from starlette.middleware.gzip import GZipMiddleware, GZipResponder, IdentityResponder
from starlette.types import Message, Receive, Scope, Send
from typing_extensions import override

from app.core.raw_headers import first_header

BODILESS = frozenset({204, 304})


class QuickGZipMiddleware(GZipMiddleware):
    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        held: Message | None = None
        forward: Send | None = None

        async def hold_small(message: Message) -> None:
            nonlocal held, forward
            if forward is not None:
                await forward(message)
            elif message["type"] == "http.response.start" and self._says_small(message):
                held = message
            elif held is not None and self._is_small(message):
                forward = send
                await send(held)
                await send(message)
            else:
                forward = self._responder(scope, send).send_with_compression
                if held is not None:
                    await forward(held)
                await forward(message)

        await self.app(scope, receive, hold_small)

    def _says_small(self, start: Message) -> bool:
        length = first_header(start["headers"], b"content-length")
        return start["status"] in BODILESS if length is None else int(length) < self.minimum_size

    def _is_small(self, message: Message) -> bool:
        """And whole: one that comes in pieces is compressed, however small."""
        is_whole = message["type"] == "http.response.body" and not message.get("more_body", False)
        return is_whole and len(message.get("body", b"")) < self.minimum_size

    def _responder(self, scope: Scope, send: Send) -> IdentityResponder:
        """As Starlette's own middleware makes it."""
        accepted = first_header(scope["headers"], b"accept-encoding") or b""
        excluded = self.exclude_content_types
        responder = (
            GZipResponder(
                self.app,
                self.minimum_size,
                compresslevel=self.compresslevel,
                thread_minimum_size=self.thread_minimum_size,
                exclude_content_types=excluded,
            )
            if b"gzip" in accepted
            else IdentityResponder(self.app, self.minimum_size, exclude_content_types=excluded)
        )
        responder.send = send
        return responder
