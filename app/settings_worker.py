"""The settings of a worker: how much it does at once, and where it tells of it."""

from pydantic import Field, PositiveInt, field_validator
from pydantic_settings import BaseSettings


class WorkerSettings(BaseSettings):
    worker_concurrency: PositiveInt = Field(20, description="Jobs that one worker runs at once.")
    fetches_waiting: PositiveInt = Field(
        1000,
        description="Jobs that wait for other people's servers beside those, each with an open file and,"
        " while its page comes slowly, 192 KiB.",
    )
    webhook_concurrency: PositiveInt = Field(20, description="Deliveries that one worker makes at once.")
    reading_processes: PositiveInt = Field(2, description="Child processes for extraction and summarising.")
    worker_metrics_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Where a worker answers /metrics and /health, on HOST; unset: nowhere.",
    )

    @field_validator("worker_metrics_port", mode="before")
    @classmethod
    def _empty_is_nowhere(cls, value: object) -> object:
        return value or None if isinstance(value, str) else value
