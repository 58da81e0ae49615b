"""The multipart body in the reference. FastAPI describes only what it reads itself, before the guard."""

from typing import Any

from app.summaries.batches.schemas import BatchView
from app.summaries.length import Sentences, Words
from app.summaries.uploads.files import MAX_UPLOAD_BYTES
from app.summaries.uploads.forms import MULTIPART
from app.summaries.uploads.multipart import MAX_FILES
from app.summaries.uploads.schemas import OPTION_FIELDS, FormDraft

Json = dict[str, Any]  # Any: OpenAPI JSON

FILE: Json = {
    "type": "string",
    "contentMediaType": "application/octet-stream",
    "maxLength": MAX_UPLOAD_BYTES,
    "description": "PDF, DOCX, HTML, Markdown or plain text, told by its bytes; 20 MiB in all.",
}
FILES: Json = {
    "type": "array",
    "items": FILE,
    "minItems": 1,
    "maxItems": MAX_FILES,
    "description": "Several, each answered by itself (207).",
}
TAGS: Json = {
    "type": "array",
    "items": {"type": "string", "maxLength": 1000},
    "maxItems": 20,
    "description": "Repeat the field, or separate by commas.",
}
PARTLY: dict[int | str, Json] = {
    207: {"model": BatchView, "description": "Of several files, each by itself."}
}


def option_properties() -> Json:
    """As of a draft in JSON, but for what a form spells otherwise."""
    schema = FormDraft.model_json_schema(ref_template="#/components/schemas/{model}")["properties"]
    own: Json = {name: schema[name] for name in sorted(OPTION_FIELDS & schema.keys())}
    own["length"] = {"type": "string", "enum": ["short", "medium", "long"], "default": "medium"}
    own["words"] = Words.model_json_schema()["properties"]["words"] | {"description": "In place of length."}
    own["sentences"] = Sentences.model_json_schema()["properties"]["sentences"]
    return own | {"tags": TAGS}


def form_body(properties: Json, *, example: Json, required: list[str]) -> Json:
    """For `openapi_extra`."""
    schema = {"type": "object", "properties": properties, "additionalProperties": False, "required": required}
    return {"requestBody": {"required": True, "content": {MULTIPART: {"schema": schema, "example": example}}}}


UPLOAD_BODY = form_body(
    {"file": FILE, "files": FILES, **option_properties()},
    example={"file": "(the bytes of report.pdf)", "length": "short", "tags": ["work", "reports"]},
    required=[],
)
