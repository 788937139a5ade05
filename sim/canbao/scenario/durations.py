"""Random durations in a scenario file: `service = { kind = "lognormal", mean = "8 min", cv = 0.6 }`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol, Self

from pydantic import Field, model_validator

import canbao
from canbao.scenario.models import Plugged, Settings
from canbao.scenario.quantities import Duration, MisfitError, PositiveAmount, PositiveCount, PositiveDuration

if TYPE_CHECKING:
    from canbao.distributions import Distribution

__all__ = ["BUILT_IN", "Lognormal", "RandomDuration", "RandomDurationSettings", "lognormal"]


class RandomDurationSettings(Protocol):
    """What a distribution's settings can do."""

    def build(self) -> Distribution:
        """Give the distribution, in seconds."""
        ...


class Fixed(Settings):
    """Always the same."""

    kind: Literal["fixed"]
    value: Duration = Field(description="How long it takes.")

    def build(self) -> Distribution:
        """Give the distribution, in seconds."""
        return canbao.Constant(self.value)


class Exponential(Settings):
    """Memoryless."""

    kind: Literal["exponential"]
    mean: PositiveDuration = Field(description="The mean.")

    def build(self) -> Distribution:
        """Give the distribution, in seconds."""
        return canbao.Exponential(self.mean)


class Lognormal(Settings):
    """Lognormal: most are short, a few are very long."""

    kind: Literal["lognormal"]
    mean: PositiveDuration | None = Field(None, description="The mean; give this or the median.")
    median: PositiveDuration | None = Field(None, description="The median; give this or the mean.")
    cv: PositiveAmount = Field(description="Standard deviation divided by the mean.", le=100)

    @model_validator(mode="after")
    def _one_centre(self) -> Self:
        if (self.mean is None) == (self.median is None):
            raise MisfitError("needs a mean or a median", allowed="one of the two", hint='write mean = "8 min"')
        return self

    def build(self) -> Distribution:
        """Give the distribution, in seconds."""
        # The mean of a lognormal is its median times sqrt(1 + cv²).
        mean = self.mean if self.mean is not None else (self.median or 0.0) * (1 + self.cv**2) ** 0.5
        return canbao.Lognormal(mean, self.cv)


class Uniform(Settings):
    """Every duration between two alike."""

    kind: Literal["uniform"]
    low: Duration = Field(description="The shortest.")
    high: Duration = Field(description="The longest.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.high < self.low:
            raise MisfitError("is below low", allowed="high at or above low", below=("high",))
        return self

    def build(self) -> Distribution:
        """Give the distribution, in seconds."""
        return canbao.Uniform(self.low, self.high)


class Triangular(Settings):
    """Between two, most often near a third."""

    kind: Literal["triangular"]
    low: Duration = Field(description="The shortest.")
    mode: Duration = Field(description="The most frequent.")
    high: Duration = Field(description="The longest.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not (self.low <= self.mode <= self.high and self.low < self.high):
            raise MisfitError("is not in order", allowed="low <= mode <= high, and low below high", below=("mode",))
        return self

    def build(self) -> Distribution:
        """Give the distribution, in seconds."""
        return canbao.Triangular(self.low, self.mode, self.high)


class Erlang(Settings):
    """The sum of several exponential phases."""

    kind: Literal["erlang"]
    mean: PositiveDuration = Field(description="The mean of the sum.")
    phases: PositiveCount = Field(description="How many phases.")

    def build(self) -> Distribution:
        """Give the distribution, in seconds."""
        return canbao.Erlang(self.mean, self.phases)


class Gamma(Settings):
    """Gamma, by mean and coefficient of variation."""

    kind: Literal["gamma"]
    mean: PositiveDuration = Field(description="The mean.")
    cv: PositiveAmount = Field(description="Standard deviation divided by the mean.", ge=0.01, le=100)

    def build(self) -> Distribution:
        """Give the distribution, in seconds."""
        return canbao.Gamma(self.mean, self.cv**-2)


class Weibull(Settings):
    """Weibull: shape below 1 for a patience that grows with the wait, above 1 for one that wears out."""

    kind: Literal["weibull"]
    scale: PositiveDuration = Field(description="The time by which 63 % are over.")
    shape: PositiveAmount = Field(description="The shape.", ge=0.1, le=100)

    def build(self) -> Distribution:
        """Give the distribution, in seconds."""
        return canbao.Weibull(self.scale, self.shape)


BUILT_IN: dict[str, type[Settings]] = {
    "fixed": Fixed,
    "exponential": Exponential,
    "lognormal": Lognormal,
    "uniform": Uniform,
    "triangular": Triangular,
    "erlang": Erlang,
    "gamma": Gamma,
    "weibull": Weibull,
}
"""The distributions that need no plugin."""

RandomDuration = Annotated[RandomDurationSettings, Plugged("distributions")]


def lognormal(mean: float, cv: float) -> Any:
    """Give the settings of a lognormal duration, for defaults; mean in seconds."""
    return Lognormal.model_construct(kind="lognormal", mean=mean, median=None, cv=cv)
