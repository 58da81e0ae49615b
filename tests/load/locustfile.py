"""The mix of users, for locust; `python -m tests.load.crowd` starts a service, a cast, and this.

Of a hundred users 60 read in a browser, 25 are programs that submit and poll, 10 come, look and go, 3 take
their summaries away, 2 are staff. The figure behind each task is its share of what its kind of user does; all
wait as people do, programs less. CAST names a file: user names, their password, API keys, one of staff.
Locust brings gevent and forty packages, so it is no dependency: `uv tool run` fetches it.
"""

import itertools
import json
import os
import random
from collections import deque
from pathlib import Path
from typing import Any

from locust import FastHttpUser, between, task

CAST = json.loads(Path(os.environ["CAST"]).read_text("utf-8"))
NAMES, KEYS = itertools.cycle(CAST["people"]), itertools.cycle(CAST["keys"])
API = "/api/v1"
TEXT = "The river rose by two metres in a night, and the town moved its books upstairs. " * 30
WORDS = ("river", "town", "lighthouse", "nothing")


class Person(FastHttpUser):
    abstract = True

    def log_in(self, name: str) -> None:
        form = {"username": name, "password": CAST["password"]}
        self.pair = self.client.post(f"{API}/auth/token", data=form).json()
        self.headers = {"Authorization": f"Bearer {self.pair['access_token']}"}

    def get(self, path: str, *, name: str | None = None, **headers: str) -> Any:  # Any: locust's response
        return self.client.get(f"{API}{path}", name=name, headers={**self.headers, **headers})


class Reader(Person):
    """Lists, opens, opens again what the browser still has, searches; the token is renewed in time."""

    weight = 60
    wait_time = between(1, 4)

    def on_start(self) -> None:
        self.log_in(next(NAMES))
        self.tags: dict[str, str] = {}
        self.look_through()

    @task(25)
    def look_through(self) -> None:
        self.ids = [item["id"] for item in self.get("/summaries?limit=20").json()["items"]]

    @task(45)
    def open_one(self) -> None:
        if self.ids:
            chosen = random.choice(self.ids)  # noqa: S311  # which one is no secret
            answer = self.get(f"/summaries/{chosen}", name="/summaries/{id}")
            self.tags[chosen] = answer.headers["ETag"]

    @task(20)
    def open_again(self) -> None:
        if self.tags:
            chosen, tag = random.choice(list(self.tags.items()))  # noqa: S311  # as above
            self.get(f"/summaries/{chosen}", name="/summaries/{id}, If-None-Match", **{"If-None-Match": tag})

    @task(6)
    def search(self) -> None:
        self.get(f"/summaries?q={random.choice(WORDS)}", name="/summaries?q")  # noqa: S311  # as above

    @task(2)
    def count(self) -> None:
        self.get("/summaries/count")

    @task(2)
    def renew(self) -> None:
        body = {"refresh_token": self.pair["refresh_token"]}
        self.pair = self.client.post(f"{API}/auth/refresh", json=body).json()
        self.headers = {"Authorization": f"Bearer {self.pair['access_token']}"}


class Program(Person):
    """Submits a text, asks until it is ready, and looks at its newest now and then."""

    weight = 25
    wait_time = between(0.5, 1.5)

    def on_start(self) -> None:
        self.headers = {"X-API-Key": next(KEYS)}
        self.waiting: deque[str] = deque()

    @task(20)
    def submit(self) -> None:
        mark = f"{random.getrandbits(64):016x}"
        headers = {**self.headers, "Idempotency-Key": mark}
        answer = self.client.post(f"{API}/summaries", json={"text": f"{mark}. {TEXT}"}, headers=headers)
        self.waiting.append(answer.json()["id"])

    @task(70)
    def poll(self) -> None:
        if self.waiting:
            asked = self.waiting.popleft()
            answer = self.get(f"/summaries/{asked}", name="/summaries/{id}, polled")
            if answer.json()["status"] not in {"ready", "failed"}:
                self.waiting.append(asked)

    @task(10)
    def newest(self) -> None:
        self.get("/summaries?limit=5")


class Visitor(Person):
    """Comes, looks who he is, goes: each time a password."""

    weight = 10
    wait_time = between(3, 8)

    @task
    def visit(self) -> None:
        self.log_in(next(NAMES))
        self.get("/users/me")
        body = {"refresh_token": self.pair["refresh_token"]}
        self.client.post(f"{API}/auth/logout", json=body, headers=self.headers)


class Collector(Person):
    weight = 3
    wait_time = between(5, 10)

    def on_start(self) -> None:
        self.log_in(next(NAMES))

    @task
    def export(self) -> None:
        self.get("/summaries/export?format=ndjson")


class Staff(Person):
    weight = 2
    wait_time = between(2, 5)

    def on_start(self) -> None:
        self.log_in(CAST["staff"])

    @task(8)
    def dashboard(self) -> None:
        self.get("/admin/dashboard")

    @task(1)
    def people(self) -> None:
        self.get("/admin/users")

    @task(1)
    def log(self) -> None:
        self.get("/admin/audit-log")
