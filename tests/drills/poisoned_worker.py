"""The worker as it is, but for its readers: `python -m tests.drills.poisoned_worker`."""

from app.reading import sandbox
from app.worker.process import main

if __name__ == "__main__":
    # A parser's fault cannot be ordered; this is the one way to have it when a drill wants it.
    sandbox.CHILD = "tests.drills.poisoned_child"
    main()
