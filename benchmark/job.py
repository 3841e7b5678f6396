"""What a sender process is told, and what it tells: lines of JSON on its stdin and stdout."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from benchmark.expected import Expected

Method: TypeAlias = Literal["stream", "unary"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to send, the first line of all."""

    app: str
    method: Method
    events: int
    events_a_request: int
    connections: int
    """Each a TCP connection of its own; a stream has one to itself."""
    unanswered: int
    """Most requests of one connection that wait for an answer."""
    seed: int
    start_s: int
    """When the events happen: evenly over `seconds` from this time in seconds since 1970 on."""
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """All requests of a job are serialized."""

    expected: Expected
    visitor: str
    """One of the visitors."""
    bytes_an_event: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Send all of the job's requests, when the line after this one comes."""

    target: str
    events_per_s: float
    """A steady pace for the process, or 0 for as fast as answers come."""
    first_round: int
    """Of the rounds that `renewal` makes of the requests; 0 are those as they are."""
    rounds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of an order, or why nothing did."""

    failure: str = ""
    stored: int = 0
    start_s: float = 0.0
    """By the machine's monotonic clock, which processes share; so is the end."""
    end_s: float = 0.0
    cpu_s: float = 0.0
    answered_ms: list[float]
    """For each request the time to its answer: from sending or, at a steady pace, from when it was due."""
