"""The process that works the queue off: `precis worker`, or `python -m app.worker`."""
