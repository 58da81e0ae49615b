"""The document as this code would serve it: `python -m tests.gates.openapi_document > openapi.json`."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from app.main import create_app
from app.settings import Environment, load_settings


def render_document() -> str:
    """Needs no server; its signing keys live as long as the call."""
    with TemporaryDirectory() as keys:
        settings = load_settings(environment=Environment.TESTING, testing=True, jwt_keys_dir=Path(keys))
        return json.dumps(create_app(settings).openapi(), indent=1)


if __name__ == "__main__":
    sys.stdout.write(render_document())
