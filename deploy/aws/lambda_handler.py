"""The API behind API Gateway (payload 2.0) or a function URL: lambda.yaml names `handler`.

Event streams and sockets do not pass through Lambda, which answers in one piece; workers run on ECS. What the
process does besides requests (counting refusals, following key rotations) happens while a request is there.
"""

import asyncio
from typing import Any

from mangum import Mangum

from app.main import create_app

# Without these their bytes would travel in base64, for API Gateway alone to undo.
TEXT_TYPES = [
    "text/",
    "application/json",
    "application/problem+json",
    "application/atom+xml",
    "application/feed+json",
]


def make_handler() -> Mangum:
    """One application and one event loop for as long as Lambda keeps the process: pools stay warm.

    Mangum's own lifespan would begin and end with each request, and close the pools with it.
    """
    app = create_app()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # Held as long as the application: what nobody holds is collected, and that would end it.
    app.state.lifespan = app.router.lifespan_context(app)
    loop.run_until_complete(app.state.lifespan.__aenter__())
    return Mangum(app, lifespan="off", text_mime_types=TEXT_TYPES)


adapter = make_handler()


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # Any: JSON
    """Raises ValueError for an event of an ALB: clients begin its X-Forwarded-For, and are limited by it.

    The adapter takes the whole of that header for the client's address.
    """
    if "elb" in event.get("requestContext", {}):
        raise ValueError("Behind a load balancer run the API on ECS (ecs.yaml): see docs/deployment.md")
    answer: dict[str, Any] = adapter(event, context)  # Any: as above
    return answer
