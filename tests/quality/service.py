"""All pages of the evaluation sets through the running service: `python -m tests.quality.service`.

A page server on the loopback stands for the web, named in FETCH_ALLOW_HOSTS. Precis is started as `./run
--demo` does; each page is submitted by the API, in one style and length after another, and each summary read
back with the text that its sentences point into. Exit 1 where one did not end or does not quote its text.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

from app.local.ports import free_port
from tests.e2e.running import Launch, Running
from tests.load.pages import DONE, Client, Json, Pages, find_pages, report, send_all, served
from tests.quality.evaluation_data import data_folder

SETS = ("extraction_scrapinghub", "extraction_wcxb_dev")
LAST_WORDS = 6000
OPTIONS: tuple[Json, ...] = (
    {},
    {"style": "bullets", "length": "long"},
    {"style": "headline"},
    {"length": {"sentences": 3}},
    {"style": "bullets", "length": {"words": 60}},
)


def unquoted(summary: Json) -> bool:
    """Whether a sentence does not stand at its place, or the summary shows more than its sentences."""
    sentences = summary["sentences"]
    quoted = all(summary["text"][one["start"] : one["end"]] == one["text"] for one in sentences)
    mark, between = ("- ", "\n") if summary["style"] == "bullets" else ("", " ")
    shown = between.join(f"{mark}{one['text']}" for one in sentences)
    return not quoted or (bool(sentences) and shown != summary["summary"])


def quotes(client: Client, summaries: Sequence[Json]) -> Iterator[str]:
    ready = [client.read(item["id"]) for item in summaries if item["status"] == "ready"]
    wrong = [summary["url"] for summary in ready if unquoted(summary)]
    count = sum(len(summary["sentences"]) for summary in ready)
    bare = sum(not summary["sentences"] for summary in ready)
    yield f"{count} sentences read back, summaries that do not quote their text: {len(wrong)}"
    yield f"summaries by the page's own description, without sentences: {bare}"
    yield from (f"  WRONG {url}" for url in wrong)


def run(pages: Pages, *, seconds: float) -> tuple[list[Json], list[str]]:
    with served(pages) as origin:
        environment = {"FETCH_ALLOW_HOSTS": origin, "RATE_LIMIT_SCALE": "1000", "LOG_LEVEL": "WARNING"}
        with Running(Launch(["--demo", "--port", str(free_port())], environment)) as running:
            client = Client(running.ready(), running.text)
            urls = [f"http://{origin}{path}" for path in pages]
            drafts = [{"url": url, **options} for url, options in zip(urls, cycle(OPTIONS), strict=False)]
            began = time.monotonic()
            try:
                summaries = send_all(client, drafts, seconds=seconds)
            except OSError:
                # The service went away: its last words say why.
                sys.stderr.write(running.text[-LAST_WORDS:])
                raise
            taken = time.monotonic() - began
            return summaries, [*report(summaries, pages, seconds=taken), *quotes(client, summaries)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder of the evaluation sets")
    parser.add_argument("--seconds", type=float, default=900.0, help="how long to wait for all")
    arguments = parser.parse_args()
    folder: Path | None = data_folder(arguments.data)
    if folder is None:
        sys.exit("no evaluation data here: PRECIS_EVALUATION_DATA names its folder")
    pages = find_pages([folder / name / "html" for name in SETS])
    summaries, lines = run(pages, seconds=arguments.seconds)
    sys.stdout.write("\n".join(lines) + "\n")
    ended = sum(item["status"] in DONE for item in summaries)
    return int(any("WRONG" in line for line in lines) or ended < len(pages))


if __name__ == "__main__":
    sys.exit(main())
