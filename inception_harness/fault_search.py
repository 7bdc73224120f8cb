"""What of the suite is run on a fault, and how Hypothesis searches there."""

from __future__ import annotations

import importlib

__all__ = ["half_options", "profile_option"]

# These perturb every picture in many ways, and take longer than all other files together.
_THOROUGH = ("test_invariance", "test_direction", "test_distribution", "test_search", "test_fits")


def profile_option(name: str, *, derandomize: bool) -> str:
    """Register a profile of Hypothesis, and return the option of pytest that asks for it.

    Nothing is shrunk: that a behaviour fails is all that is asked, and the search for the
    smallest example takes most of a minute.

    Args:
        name: of the profile.
        derandomize: the same few examples in each run, whatever the seed; a fault of the view
            shows in any. Else as many as the suite draws by itself.
    """
    # By its name, and late: Hypothesis takes half a second to import.
    hypothesis = importlib.import_module("hypothesis")
    hypothesis.settings.register_profile(
        name,
        max_examples=5 if derandomize else 25,
        deadline=None,
        database=None,
        derandomize=derandomize,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    return f"--hypothesis-profile={name}"


def half_options(half: str) -> list[str]:
    """Return the options of pytest that leave out the other half of the suite.

    Args:
        half: ``quick``, ``thorough``, or ``whole`` to leave out nothing.
    """
    if half == "whole":
        return []
    # By keyword, not by file: all are collected, so that each known failure finds its test.
    named = " or ".join(f"{name}.py" for name in _THOROUGH)
    return ["-k", f"not ({named})" if half == "quick" else named]
