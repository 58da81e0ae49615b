"""The import's body in the reference."""

from app.summaries.imports.parameters import IMPORT_FIELDS
from app.summaries.uploads.openapi import Json, form_body, option_properties

MAX_LIST_BYTES = 5 * 1024 * 1024
LIST: Json = {
    "type": "string",
    "contentMediaType": "application/octet-stream",
    "maxLength": MAX_LIST_BYTES,
    "description": "Text, CSV, OPML or bookmarks, told by what stands in it; 5 MiB, 1,000 rows.",
}
OPTIONS = {name: schema for name, schema in option_properties().items() if name in IMPORT_FIELDS}
IMPORT_BODY = form_body(
    {"file": LIST, **OPTIONS, "on_duplicate": {**OPTIONS["on_duplicate"], "default": "return"}},
    example={"file": "url,title\nhttps://en.wikipedia.org/wiki/Bee,Bees\n", "tags": ["reading"]},
    required=["file"],
)
