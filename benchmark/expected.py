"""What reports must say about what was sent."""

from dataclasses import astuple, dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Expected:
    """Sums over some events. Those of traffics with other visitors add up."""

    clicks: int = 0
    url_changes: int = 0
    btn_times: int = 0
    funnel_changes: int = 0
    visitors: int = 0
    stage_visitors: int = 0
    """Distinct pairs of a stage and a visitor who entered it."""

    def __add__(self, other: Self) -> Self:
        return type(self)(*(mine + others for mine, others in zip(astuple(self), astuple(other), strict=True)))

    def __mul__(self, rounds: int) -> Self:
        """Return the sums over so many rounds, each with visitors of its own."""
        return type(self)(*(rounds * mine for mine in astuple(self)))

    @property
    def events(self) -> int:
        """All events."""
        return self.clicks + self.url_changes + self.btn_times + self.funnel_changes
