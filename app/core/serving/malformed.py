"""What HTTP's parser refuses is answered as every other refusal is: with a problem document.

There is no request yet: no id, no host for the problem's type to begin with (RFC 9457 lets it be relative),
and nothing that middleware adds. Behind nginx this is never seen: nginx refuses such a request itself.
"""

import json

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.core.errors import MEDIA_TYPE, MalformedRequestError

BODY = json.dumps(
    {
        "type": f"/problems/{MalformedRequestError.code}",
        "title": MalformedRequestError.title,
        "status": MalformedRequestError.status,
        "detail": "This is no HTTP request.",
        "code": MalformedRequestError.code,
        "request_id": None,
        "retryable": MalformedRequestError.retryable,
    }
).encode()
HEAD = (
    f"HTTP/1.1 400 Bad Request\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {len(BODY)}\r\n"
    "Cache-Control: no-store\r\nConnection: close\r\n"
).encode()


class RefusingProtocol(HttpToolsProtocol):
    @override
    def send_400_response(self, msg: str) -> None:
        """`msg`, which uvicorn logs, is the parser's own and no more than that."""
        default = (b"%b: %b\r\n" % header for header in self.server_state.default_headers)
        self.transport.write(b"".join([HEAD, *default, b"\r\n", BODY]))
        self.transport.close()
