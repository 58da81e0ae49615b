"""A file apart: children of `multiprocessing` import the main module, but never a `__main__.py`."""

from app.worker.process import main

main()
