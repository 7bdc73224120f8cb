"""The figures of a benchmark, and their table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from inception_harness.json_data import JsonData
from inception_harness.results import Timing

__all__ = ["LEAST_ROUNDS", "NOISE", "RULE", "BenchReport", "Limit", "Speed", "spread_of"]

NOISE = 0.10
LEAST_ROUNDS = 3
RULE = (
    "A row is noisy (~) where half of its rounds lie more than 10 % of the median apart (the "
    "spread); the run is valid where no row is. Fewer than 3 rounds are not judged."
)


@dataclass(frozen=True)
class Speed(JsonData):
    """How fast one way is.

    Attributes:
        name: the way.
        kind: ``loop``, ``keras``, ``engine`` or ``pipeline``.
        engine: as after ``--engine``, or "".
        precision: of the arithmetic.
        batch: pictures computed at once, or None for the engine's own choice.
        rates: pictures per second, one for each round.
        ratio: median of the rounds' ratios to the loop in the same round.
        share: of the machine's limit, 0..1, or None where it is not known.
        first_answer: seconds from starting Python to the first prediction, or None.
        ten_answers: likewise, to ten predictions.
        of_engine: of the way from JPEG files, the median of the rounds' ratios to the same engine
            alone, at the batch at which it is fastest; else None.
    """

    name: str
    kind: str
    engine: str
    precision: str
    batch: int | None
    rates: tuple[float, ...]
    ratio: float
    share: float | None = None
    first_answer: float | None = None
    ten_answers: float | None = None
    of_engine: float | None = None

    @property
    def per_second(self) -> float:
        """The median of the rounds."""
        return median(self.rates)

    @property
    def noisy(self) -> bool:
        """Whether the rounds differ too much to be trusted."""
        return spread_of(self.rates) > NOISE


@dataclass(frozen=True)
class Limit(JsonData):
    """The machine's fastest matrix product in one precision.

    Attributes:
        precision: ``f32`` or ``bf16``.
        how: package and size of the matrices.
        rates: floating point operations per second, one for each round.
    """

    precision: str
    how: str
    rates: tuple[float, ...]

    @property
    def noisy(self) -> bool:
        """Whether the rounds differ too much to be trusted."""
        return spread_of(self.rates) > NOISE


def spread_of(rates: Sequence[float]) -> float:
    """Return the distance between the quartiles, as a part of the median."""
    ordered = sorted(rates)
    if len(ordered) < 2:
        return 0.0
    return (_quantile(ordered, 0.75) - _quantile(ordered, 0.25)) / median(ordered)


def _quantile(ordered: Sequence[float], part: float) -> float:
    place = part * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


@dataclass(frozen=True)
class BenchReport(JsonData):
    """One run of a benchmark.

    Attributes:
        model: the model's name.
        pictures: how many different pictures, and from where.
        count: pictures in each round of each way.
        rounds: how often each way was measured, after one round to warm up.
        threads: of the engines and of the matrix products.
        flop: floating point operations that a picture costs, or None where not known.
        speeds: the loop first.
        limits: one for each precision.
        notes: what a reader should know.
    """

    model: str
    pictures: str
    count: int
    rounds: int
    threads: int
    flop: float | None
    speeds: tuple[Speed, ...]
    limits: tuple[Limit, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """``valid``, ``noisy`` or ``not judged``, by `RULE`."""
        if self.rounds < LEAST_ROUNDS:
            return "not judged"
        noisy = [*(row.noisy for row in self.speeds), *(row.noisy for row in self.limits)]
        return "noisy" if any(noisy) else "valid"

    def timings(self, subject: str = "") -> tuple[Timing, ...]:
        """Return what a report shows: the ways, then the limits in pictures per second."""
        ways = tuple(
            Timing(
                name=speed.name,
                subject=subject,
                seconds=self.count / speed.per_second,
                per_second=speed.per_second,
                ratio=speed.ratio,
                share=speed.share,
                noisy=speed.noisy,
            )
            for speed in self.speeds
        )
        if not self.flop:
            return ways
        return ways + tuple(
            Timing(
                name=f"the machine's limit in {limit.precision}",
                subject=subject,
                per_second=median(limit.rates) / self.flop,
                share=1.0,
                noisy=limit.noisy,
            )
            for limit in self.limits
        )

    def findings(self) -> tuple[str, ...]:
        """Return what the figures say of each engine's way from JPEG files, a sentence each."""
        loop = self.speeds[0].ten_answers
        found = []
        for speed in self.speeds:
            told = []
            if speed.of_engine is not None:
                told.append(f"{speed.of_engine:.0%} of the engine alone")
            if speed.kind == "pipeline" and speed.ten_answers is not None:
                compared = f", {speed.ten_answers / loop:.2f} of the loop's" if loop else ""
                told.append(f"ten pictures {speed.ten_answers:.1f} s after a cold start{compared}")
            if told:
                found.append(f"{speed.name}: {'; '.join(told)}.")
        return tuple(found)

    def limit_text(self, limit: Limit) -> str:
        """Return a limit in words."""
        speed = median(limit.rates)
        pictures = f", {speed / self.flop:.1f} pictures/s" if self.flop else ""
        mark = " ~" if limit.noisy else ""
        return (
            f"limit in {limit.precision}: {speed / 1e9:.0f} GFLOP/s{pictures} ({limit.how}, "
            f"spread {spread_of(limit.rates):.0%}){mark}"
        )

    def table(self) -> str:
        """Return the figures as text of 80 columns at most."""
        head = f"{'':<34}{'pictures/s':>11}{'spread':>8}{'x loop':>8}{'of limit':>9}{'first':>8}"
        lines = [
            f"{self.model}: {self.rounds} rounds of {self.count} pictures ({self.pictures}), "
            f"{self.threads} thread{'s' if self.threads > 1 else ''}"[:80],
            "",
            head,
            *(_row(speed) for speed in self.speeds),
            "",
            *(line for found in self.findings() for line in _wrapped(found)),
            *(self.limit_text(limit) for limit in self.limits),
            f"verdict: {self.verdict}",
            *_wrapped(RULE),
            "x loop: median over the rounds; first: seconds from starting Python.",
        ]
        for note in self.notes:
            lines += _wrapped(note)
        return "\n".join(lines)


def _row(speed: Speed) -> str:
    share = f"{speed.share:.0%}" if speed.share is not None else ""
    first = f"{speed.first_answer:.1f} s" if speed.first_answer is not None else ""
    mark = "~" if speed.noisy else ""
    return (
        f"{speed.name[:34]:<34}{speed.per_second:>11.1f}{spread_of(speed.rates):>7.0%}{mark:1}"
        f"{speed.ratio:>8.2f}{share:>9}{first:>8}"
    ).rstrip()


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, 80)
