"""docs/errors.md from the catalogue: `python -m tests.gates.error_reference > docs/errors.md`."""

import sys

import app.main
from app.core.errors import CATALOGUE, ProblemError

# Importing the application is what fills the catalogue.
APPLICATION = app.main.__name__
HEAD = """# Error codes

Generated from the catalogue in `app/core/errors.py` and the slices' `errors.py`; a test keeps them equal.
Every error is an `application/problem+json` document (RFC 9457) whose `type` leads to a page of this service:
`/problems/{code}`. "Again" says whether the same request may succeed later.

| Code | Status | Title | Again | What it means | What to do |
|---|---|---|---|---|---|
"""


def render_reference() -> str:
    return HEAD + "".join(_row(error) for _, error in sorted(CATALOGUE.items()))


def _row(error: type[ProblemError]) -> str:
    again = "yes" if error.retryable else "no"
    cells = (f"`{error.code}`", str(error.status), error.title, again, error.meaning, error.hint or "")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


if __name__ == "__main__":
    sys.stdout.write(render_reference())
