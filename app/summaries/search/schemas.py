"""The bodies of what helps with looking for something."""

from app.core.schemas import ResponseModel


class TagCount(ResponseModel):
    tag: str
    count: int
