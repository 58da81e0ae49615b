"""What is written from templates: mails, pages, feeds; by Jinja2, which is loaded with the first of them.

It is 2 MB and a thirtieth of a second: of the processes that serve, few ever write one.
"""

from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from importlib.resources import files
from typing import Any

KINDS = (".html", ".xml", ".txt")


class Templates:
    """Those of one package, from its folder `templates`: one that is missing stops the process at its start.

    What is put in is escaped, but for plain text (`.txt`). A name without a value is an error.
    """

    def __init__(self, package: str) -> None:
        folder = files(package) / "templates"
        self._texts = {
            file.name: file.read_text("utf-8") for file in folder.iterdir() if file.name.endswith(KINDS)
        }

    def render(self, name: str, values: Mapping[str, object]) -> str:
        """Raises jinja2.TemplateNotFound, jinja2.UndefinedError."""
        written: str = self._environment.get_template(name).render(values)
        return written

    @cached_property
    def _environment(self) -> Any:  # Any: of a module that is loaded by name
        jinja2 = import_module("jinja2")
        return jinja2.Environment(
            loader=jinja2.DictLoader(self._texts),
            autoescape=jinja2.select_autoescape(disabled_extensions=("txt",), default=True),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
