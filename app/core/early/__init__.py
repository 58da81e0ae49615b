"""Answers before routing, for the few requests that are most of all: each as its route would give it.

Routing, FastAPI's dependencies and its models cost more than what these routes do. Whatever is not plainly
such a request, and whoever this process has not met, is the route's; a refusal is the route's own.
"""
