"""Which pages may open a WebSocket: browsers ask nobody before they do (no CORS), but say where they are."""

from starlette.requests import HTTPConnection

from app.core.same_origin import origin_of

SCHEMES = {"ws": "http", "wss": "https"}


def is_welcome(connection: HTTPConnection) -> bool:
    """Programs send no Origin; a page must be ours, or of CORS_ORIGINS."""
    origins = connection.headers.getlist("origin")
    if not origins:
        return True
    settings = connection.app.state.settings
    asked = f"{SCHEMES[connection.scope['scheme']]}://{connection.headers.get('host', '')}"
    allowed = {origin_of(settings.base_url), origin_of(asked), *settings.cors_origins}
    return "*" in allowed or (len(origins) == 1 and origins[0] in allowed)
