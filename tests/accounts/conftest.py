"""The post, for tests of accounts."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from tests.accounts.post import KeptMail, Post, make_post


@pytest.fixture
async def post(app: FastAPI) -> AsyncIterator[Post]:
    post = make_post(app, KeptMail())
    async with post.queue.open_async():
        yield post
