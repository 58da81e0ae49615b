"""Where the public evaluation sets lie, and what is in them. Nothing of them is part of the project."""

import gzip
import importlib.util
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SUMMARY_SETS = ("cnndm50a", "gum_dev", "norsumm_dev", "scitldrA_dev")


def data_folder(given: str | None = None) -> Path | None:
    """The folder named, or PRECIS_EVALUATION_DATA, or shared/data beside the checkout; None where absent."""
    folder = Path(given or os.environ.get("PRECIS_EVALUATION_DATA") or ROOT.parent / "shared" / "data")
    return folder if (folder / "summ").is_dir() else None


@dataclass(frozen=True, slots=True)
class Reference:
    text: str
    summaries: tuple[str, ...]
    language: str
    title: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """`truth` is the set's own record, `{}` for keys that it leaves out."""

    name: str
    html: bytes
    truth: dict[str, Any]  # Any: each set has its own fields
    kind: str = "article"
    url: str | None = None


def references(folder: Path, name: str) -> list[Reference]:
    lines = (folder / "summ" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [_reference(json.loads(line)) for line in lines]


def _reference(row: dict[str, Any]) -> Reference:  # Any: as read from JSON
    text = row.get("text") or "\n".join(row["sents"])
    return Reference(text, tuple(row["refs"]), row["lang"], row.get("title"))


def scrapinghub_pages(folder: Path) -> Iterator[Page]:
    home = folder / "extraction_scrapinghub"
    truth = json.loads((home / "ground-truth.json").read_text(encoding="utf-8"))
    for name, record in truth.items():
        yield Page(name, gzip.decompress((home / "html" / f"{name}.html.gz").read_bytes()), record)


def wcxb_pages(folder: Path) -> Iterator[Page]:
    home = folder / "extraction_wcxb_dev"
    kind_of = evaluator(home).get_page_type
    for path in sorted((home / "ground-truth").glob("*.json")):
        row = json.loads(path.read_text(encoding="utf-8"))
        html = gzip.decompress((home / "html" / f"{path.stem}.html.gz").read_bytes())
        yield Page(path.stem, html, row["ground_truth"], kind_of(row), row.get("url"))


def evaluator(home: Path) -> ModuleType:
    """The evaluate.py that a set carries, so that its figures are computed as its authors do."""
    spec = importlib.util.spec_from_file_location(f"evaluate_{home.name}", home / "evaluate.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(home / "evaluate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
