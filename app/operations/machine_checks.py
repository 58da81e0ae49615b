"""Of this machine: names, signing keys, disk."""

import asyncio
import shutil
import socket
from urllib.parse import urlsplit

from app.core.keyring import KeyRing
from app.core.signing_keys import KeyRingError
from app.operations.findings import Finding, fault, sound, warning
from app.settings import Settings

FULL_FAULT = 0.98
FULL_WARNING = 0.90


async def check_names(settings: Settings) -> list[Finding]:
    """The public name, which every link begins with."""
    host = urlsplit(settings.base_url).hostname or ""
    try:
        answers = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        advice = "Mend the resolver, or the name in PUBLIC_URL: no page can be fetched without a resolver."
        return [fault("names", f"{host} cannot be resolved: {error.strerror}", advice)]
    return [sound("names", f"{host} is {', '.join(sorted({str(answer[4][0]) for answer in answers}))}")]


def check_keys(settings: Settings) -> list[Finding]:
    try:
        ring = KeyRing.from_settings(settings, create=False)
    except KeyRingError as error:
        return [fault("keys", str(error), "`precis keys init` makes a directory for JWT_KEYS_DIR.")]
    published = len(ring.jwks()["keys"])
    return [sound("keys", f"{ring.active.kid} signs, {published} published")]


def check_disk(settings: Settings) -> list[Finding]:
    folder = settings.data_dir if settings.data_dir.exists() else settings.data_dir.absolute().parent
    usage = shutil.disk_usage(folder)
    full = 1 - usage.free / usage.total
    text = f"{usage.free / 2**30:.1f} GiB free of {usage.total / 2**30:.1f} GiB"
    if full > FULL_FAULT:
        return [fault("disk", text, "Make room: metrics, and with ./run the database, are written there.")]
    if full > FULL_WARNING:
        return [warning("disk", text, "Make room soon.")]
    return [sound("disk", text)]
