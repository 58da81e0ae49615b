"""Precis: an authenticated, multi-tenant API that summarises web pages, texts and documents."""

from importlib.metadata import version

__version__ = version("precis")
