"""A row that is made before it is written."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit
FIRST = "import app.models; from app.summaries.models import unwritten; print(unwritten(title='A').title)"


def test_it_may_be_the_first_thing_that_a_process_asks_of_its_models() -> None:
    made = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, check=True)  # noqa: S603  # our own
    assert made.stdout == "A\n"
