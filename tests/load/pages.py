"""Send saved pages through a whole running service: how many became ready, why others did not, how long.

`python -m tests.load.pages DIRECTORY...` serves every *.html and *.html.gz below the directories on the
loopback, starts Precis as `./run --demo` does, submits each page once and waits for all of them.
"""

import argparse
import gzip
import json
import re
import statistics
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from typing_extensions import override

from app.local.ports import LOOPBACK, free_port
from tests.e2e.running import Launch, Running

SUBMIT_AT_ONCE = 4
POLL_SECONDS = 2.0
DONE = {"ready", "failed"}
Pages = Mapping[str, Path]
Json = dict[str, Any]  # Any: an answer's JSON


def find_pages(directories: Sequence[Path]) -> Pages:
    """By the path under which each is served."""
    files = (file for folder in directories for file in sorted(folder.rglob("*.html*")))
    return {f"/{number}.html": file for number, file in enumerate(files)}


def _read(file: Path) -> bytes:
    data = file.read_bytes()
    return gzip.decompress(data) if file.suffix == ".gz" else data


@contextmanager
def served(pages: Pages) -> Iterator[str]:
    """The address of their server; the pages' own bytes, without a charset beside them."""
    server = ThreadingHTTPServer((LOOPBACK, 0), _handler(pages))
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"{LOOPBACK}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _handler(pages: Pages) -> Callable[..., BaseHTTPRequestHandler]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = pages.get(self.path)
            body = _read(found) if found else b""
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: Any) -> None:  # Any: as its parent says
            """Silent."""

    return Page


class Client:
    """Calls the API with the key that the demo printed."""

    def __init__(self, url: str, banner: str) -> None:
        found = re.search(r"API key: +(\S+)", banner)
        if not found:
            raise LookupError("the demo printed no API key")
        self._url = f"{url}/api/v1/summaries"
        self._headers = {"X-API-Key": found[1], "Content-Type": "application/json"}

    def submit(self, draft: Json) -> None:
        self._call("", json.dumps(draft).encode())

    def read(self, summary_id: str) -> Json:
        return self._call(f"/{summary_id}?include=text")

    def all(self) -> list[Json]:
        page = self._call("?limit=100")
        items: list[Json] = page["items"]
        while page["has_more"]:
            page = self._call(f"?limit=100&cursor={page['next_cursor']}")
            items += page["items"]
        return items

    def _call(self, path: str, body: bytes | None = None) -> Json:
        request = urllib.request.Request(self._url + path, body, self._headers)  # noqa: S310  # our own
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # our own
            found: Json = json.load(answer)
            return found


def send_all(client: Client, drafts: Sequence[Json], *, seconds: float) -> list[Json]:
    """The summaries at their end; after `seconds` as they are."""
    deadline = time.monotonic() + seconds
    with ThreadPoolExecutor(SUBMIT_AT_ONCE) as pool:
        list(pool.map(client.submit, drafts))
    while True:
        summaries = client.all()
        if all(item["status"] in DONE for item in summaries) or time.monotonic() > deadline:
            return summaries
        time.sleep(POLL_SECONDS)


def report(summaries: Sequence[Json], pages: Pages, *, seconds: float) -> Iterator[str]:
    statuses = Counter(item["status"] for item in summaries)
    ended = ", ".join(f"{n} {name}" for name, n in statuses.items())
    yield f"{len(pages)} pages in {seconds:.0f} s, {len(pages) / seconds:.1f} a second: {ended}"
    reasons = Counter(item["failure"]["reason"] for item in summaries if item["failure"])
    yield from (f"  failed {reason}: {count}" for reason, count in reasons.most_common())
    yield f"  low content: {sum(item['low_content'] for item in summaries)}"
    stages = dict.fromkeys(stage for item in summaries for stage in item["stages"])
    yield from (
        _stage(name, [i["stages"][name] for i in summaries if name in i["stages"]]) for name in stages
    )
    for item in summaries:
        if item["status"] != "ready":
            file = pages["/" + item["url"].rsplit("/", 1)[1]]
            yield f"  not ready: {file.name}: {item['status']} {(item['failure'] or {}).get('reason', '')}"


def _stage(name: str, values: Sequence[float]) -> str:
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return f"  {name:12} median {statistics.median(ordered):6.0f} ms   p95 {p95:6.0f} ms   n {len(ordered)}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directories", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long to wait for all")
    arguments = parser.parse_args()
    pages = find_pages(arguments.directories)
    with served(pages) as origin:
        environment = {"FETCH_ALLOW_HOSTS": origin, "RATE_LIMIT_SCALE": "1000", "LOG_LEVEL": "WARNING"}
        with Running(Launch(["--demo", "--port", str(free_port())], environment)) as running:
            client = Client(running.ready(), running.text)
            began = time.monotonic()
            drafts = [{"url": f"http://{origin}{path}"} for path in pages]
            summaries = send_all(client, drafts, seconds=arguments.seconds)
            lines = list(report(summaries, pages, seconds=time.monotonic() - began))
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
