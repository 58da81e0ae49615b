"""The settings of fetching: who we say we are, and how we behave on other people's servers."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, field_validator
from pydantic_settings import BaseSettings, NoDecode

from app.settings_parsing import HostPort, parse_host_port, split_list


class FetchSettings(BaseSettings):
    fetch_allow_hosts: Annotated[list[HostPort], NoDecode] = Field(
        [],
        description="host:port the fetcher may reach although not public, unpaced and without robots.txt. "
        "Development and tests only.",
    )
    fetch_user_agent: str | None = Field(
        None, description="Unset: PrecisBot with our version, and PUBLIC_URL/bot, where we say who we are."
    )
    fetch_contact: str | None = Field(
        None, description="Where owners of sites reach the operator, an address or a URL; shown on /bot."
    )
    fetch_pace_per_second: float = Field(
        1.0, gt=0, le=1000, description="Requests to one host, of all workers together."
    )
    fetch_pace_burst: PositiveInt = Field(3, description="Of those, so many at once after a rest.")
    robots_txt: Literal["honour", "ignore"] = "honour"

    @property
    def fetch_allowed(self) -> frozenset[HostPort]:
        """`fetch_allow_hosts`, as whoever fetches or takes an address in looks it up."""
        return frozenset(self.fetch_allow_hosts)

    @field_validator("fetch_user_agent", "fetch_contact", mode="before")
    @classmethod
    def _empty_text_is_unset(cls, value: object) -> object:
        return value or None if isinstance(value, str) else value

    @field_validator("fetch_user_agent")
    @classmethod
    def _one_line(cls, value: str | None) -> str | None:
        # A line break would end the header, and what follows would be headers of somebody's choice.
        if value is not None and not (value.isascii() and value.isprintable()):
            raise ValueError("must be printable ASCII")
        return value

    @field_validator("fetch_allow_hosts", mode="before")
    @classmethod
    def _host_ports(cls, value: object) -> object:
        return [parse_host_port(item) for item in split_list(value)]
