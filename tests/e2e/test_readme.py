"""The README's commands, typed as they stand there."""

import re
import subprocess

import pytest

from app.core.schema_version import ROOT
from tests.e2e.running import Running

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("services")]

README_URL, README_ARTICLES = "http://127.0.0.1:8000", "http://127.0.0.1:8080"


def readme_commands() -> str:
    """The blocks of shell after the line that starts the demo."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text.split("./run --demo\n", 1)[1], re.DOTALL | re.MULTILINE)
    return "".join(block for block in blocks if "curl" in block)


def with_addresses_of(demo: Running, commands: str) -> str:
    """Ports that are taken here move; nothing else may differ from what is printed."""
    articles = re.search(r'"url":"(http://[^/"]+)', demo.text)
    assert articles
    return commands.replace(README_URL, demo.ready()).replace(README_ARTICLES, articles[1])


def test_readme_gives_a_summary_of_the_sample_article(demo: Running) -> None:
    commands = with_addresses_of(demo, readme_commands())
    finished = subprocess.run(  # noqa: S603  # the README's own lines
        ["/bin/sh", "-eu", "-c", commands], capture_output=True, text=True, check=True, timeout=60
    )
    assert '"username":"ada"' in finished.stdout
    assert finished.stdout.count('"status":"ready"') == 2, finished.stdout
    assert "How lighthouses learned to speak in flashes" in finished.stdout


def test_banner_and_readme_show_the_same_commands(demo: Running) -> None:
    readme = with_addresses_of(demo, readme_commands())
    shown = "".join(line.removeprefix("  ") for line in demo.output)
    assert readme in shown
