"""What is written from templates is escaped, whole, and of one package."""

from pathlib import Path

import pytest
from jinja2 import TemplateNotFound, UndefinedError

from app.core.templates import Templates

pytestmark = pytest.mark.unit
SIGNS = "<b>&\"'"
ESCAPED = "&lt;b&gt;&amp;&#34;&#39;"


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Templates:
    folder = tmp_path / "letters" / "templates"
    folder.mkdir(parents=True)
    (tmp_path / "letters" / "__init__.py").touch()
    for name in ("a.html", "a.xml", "a.txt"):
        (folder / name).write_text("{{ said }}\n")
    # What an editor or a file manager leaves there.
    (folder / ".a.html.swp").write_bytes(b"\xff")
    (folder / "older").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    return Templates("letters")


@pytest.mark.parametrize("name", ["a.html", "a.xml"])
def test_what_is_put_in_is_escaped(templates: Templates, name: str) -> None:
    assert templates.render(name, {"said": SIGNS}) == ESCAPED


def test_plain_text_is_left_as_it_is(templates: Templates) -> None:
    assert templates.render("a.txt", {"said": SIGNS}) == SIGNS


def test_nothing_is_left_out_in_silence(templates: Templates) -> None:
    with pytest.raises(UndefinedError):
        templates.render("a.html", {})
    with pytest.raises(TemplateNotFound):
        templates.render("../a.html", {})
