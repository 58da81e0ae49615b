"""The worker as it is, but for its readers: `python -m tests.drills.poisoned_worker`.

A file apart, as the worker's own: children import the main module, but never a `__main__.py`.
"""

from app.reading import sandbox
from app.worker.process import main

# A parser's fault cannot be ordered; this is the one way to have it when a drill wants it.
sandbox.CHILD = "tests.drills.poisoned_child"
main()
