"""Serves the demo's own articles: `python -m app.local.sample_articles FD`, a listening socket."""

import socket
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ARTICLES = Path(__file__).parent / "samples"


def main(descriptor: int) -> None:
    listener = socket.socket(fileno=descriptor)
    handler = partial(SimpleHTTPRequestHandler, directory=ARTICLES)
    server = ThreadingHTTPServer(listener.getsockname(), handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
