"""The bodies of the feed routes."""

from app.core.schemas import ResponseModel


class FeedCreated(ResponseModel):
    """Whoever has an address reads the feed: shown this once."""

    token: str
    atom_url: str
    json_url: str
