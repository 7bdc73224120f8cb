"""Is a share at least so large? Decided from a sample: it is, it is not, or more are needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["ShareVerdict", "judge_share", "wilson_interval"]

# Looking again after each further batch gives chance more than one try: each look is stricter
# than the usual 95 %.
CONFIDENCE = 0.99
_MOST = 10**9


@dataclass(frozen=True)
class ShareVerdict:
    """What a sample says of a share.

    Attributes:
        outcome: ``pass`` where the whole interval is at least the share asked for, ``fail`` where
            all of it is below, else ``inconclusive``.
        low: the interval's lower end, 0..1.
        high: the interval's upper end, 0..1.
        more: how many more trials would decide, if the share found stays as it is; 0 where it is
            decided, None where no number would: the share found is the one asked for.
    """

    outcome: Literal["pass", "fail", "inconclusive"]
    low: float
    high: float
    more: int | None


def wilson_interval(
    successes: float, trials: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Return the interval of shares that a sample is compatible with (Wilson 1927).

    Args:
        successes: 0..trials; need not be whole.
        trials: at least 1.
        confidence: of the interval, two-sided.
    """
    # SciPy takes a while to import, and its own interval (`binomtest`) takes whole numbers only.
    from scipy.stats import norm

    z = float(norm.ppf((1 + confidence) / 2))
    share, spread = successes / trials, z * z / trials
    centre = (share + spread / 2) / (1 + spread)
    reach = (spread * share * (1 - share) + (spread / 2) ** 2) ** 0.5 / (1 + spread)
    return max(0.0, centre - reach), min(1.0, centre + reach)


def judge_share(
    successes: int, trials: int, required: float, confidence: float = CONFIDENCE
) -> ShareVerdict:
    """Judge whether a share is at least the one asked for.

    Args:
        successes: 0..trials.
        trials: at least 1.
        required: the share asked for, 0..1.
        confidence: of the interval, two-sided.

    Raises:
        ValueError: the numbers are no sample.
    """
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(f"{successes} of {trials}: a sample of at least one was expected.")
    low, high = wilson_interval(successes, trials, confidence)
    if low >= required:
        return ShareVerdict("pass", low, high, 0)
    if high < required:
        return ShareVerdict("fail", low, high, 0)
    return ShareVerdict(
        "inconclusive", low, high, _more_needed(successes / trials, trials, required, confidence)
    )


def _more_needed(share: float, trials: int, required: float, confidence: float) -> int | None:
    """Return how many more trials of the same share leave `required` outside the interval."""
    if share == required:
        return None

    def decided(count: int) -> bool:
        low, high = wilson_interval(share * count, count, confidence)
        return low >= required or high < required

    few, many = trials, 2 * trials
    while not decided(many):
        few, many = many, 2 * many
        if many > _MOST:
            return None
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if decided(middle) else (middle, many)
    return many - trials
