"""The document as this code would serve it: `python -m tests.gates.openapi_document > openapi.json`."""

import json
import sys

from app.main import create_app
from app.settings import Environment, load_settings


def render_document() -> str:
    settings = load_settings(environment=Environment.TESTING, testing=True)
    return json.dumps(create_app(settings).openapi(), indent=1)


if __name__ == "__main__":
    sys.stdout.write(render_document())
