"""How Hypothesis searches in the behaviour suite: the same few tries, or many with a profile.

None of it touches the settings of other tests of the run.
"""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import InvalidArgument

__all__ = ["WIDE", "register_wide_profile", "search_settings"]

WIDE = "search"

# A model takes as long as it takes, and a picture is large.
_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)


def register_wide_profile() -> None:
    """Make ``--hypothesis-profile=search`` known: new examples in every run, many of them.

    A profile of that name that is there already stays as it is.
    """
    try:
        settings.get_profile(WIDE)
    except InvalidArgument:
        settings.register_profile(
            WIDE,
            # Not the profile of the moment: in CI that one is derandomised.
            settings.get_profile("default"),
            derandomize=False,
            max_examples=500,
            deadline=None,
            phases=tuple(Phase),
            print_blob=True,
            suppress_health_check=_SLOW,
        )


def search_settings(profile: str | None) -> settings:
    """Return the settings with which a behaviour searches.

    Args:
        profile: what ``--hypothesis-profile`` names: its choice counts. With None it is the same
            25 examples in every run, since a regression suite must not fail by the luck of a draw.
    """
    current = settings()
    if profile is not None:
        quiet = {*current.suppress_health_check, *_SLOW}
        return settings(current, deadline=None, suppress_health_check=tuple(quiet))
    return settings(
        current,
        derandomize=True,
        max_examples=25,
        deadline=None,
        database=None,
        phases=tuple(Phase),
        suppress_health_check=_SLOW,
    )
