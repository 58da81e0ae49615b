"""A link as a QR code: made here, so that no other service learns it."""

import io
from enum import StrEnum
from importlib import import_module

# Modules of four pixels: 33 of them and the quiet zone make 164 pixels.
PIXELS_A_MODULE = 8


class QrFormat(StrEnum):
    SVG = "svg"
    PNG = "png"


MEDIA_TYPES = {QrFormat.SVG: "image/svg+xml", QrFormat.PNG: "image/png"}


def qr_code(url: str, wanted: QrFormat) -> bytes:
    """With error correction M: a seventh of it may be unreadable."""
    image = io.BytesIO()
    # By name: it is loaded with the first code, and most processes make none.
    code = import_module("segno").make_qr(url, error="m")
    code.save(image, kind=str(wanted), scale=PIXELS_A_MODULE, light="white")
    return image.getvalue()
