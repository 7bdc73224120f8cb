"""Which pictures a verdict is about, and which of them it hangs on."""

from __future__ import annotations

import re
from collections.abc import Container

from inception_harness.results import Observation, Outcome, Verdict, decisive_observation

__all__ = ["culprits", "deciding", "role_of", "roles_of"]

_FAILING: tuple[Outcome, ...] = ("failed", "error", "known failure")
# The way that failures begin: the picture, or the picture and what was done to it.
_OPENING = re.compile(r"^([^\s:][^:]*):", re.MULTILINE)


def role_of(name: str) -> str:
    """Return the role in a picture's name: ``panda`` of ``panda, gaussian-blur 3``."""
    return name.partition(",")[0]


def roles_of(verdict: Verdict) -> tuple[str, ...]:
    """Return the roles of the pictures that a behaviour looked at, each once."""
    return tuple(dict.fromkeys(role_of(name) for name in verdict.pictures))


def culprits(verdict: Verdict, roles: Container[str]) -> tuple[str, ...]:
    """Return the roles of the pictures that a behaviour failed on.

    A behaviour may look at ten pictures and fail on one. Its message begins with that one's name;
    where it does not, the comparison that it ended with knows; else it is all of them.

    Args:
        verdict: one that says that the behaviour fails; of any other, no picture is returned.
        roles: of the run's pictures.
    """
    if verdict.outcome not in _FAILING:
        return ()
    named = [role_of(name) for name in _OPENING.findall(verdict.message)]
    told = tuple(dict.fromkeys(role for role in named if role in roles))
    if told:
        return told
    last = decisive_observation(verdict.observations, verdict.outcome)
    if last and last.picture and role_of(last.picture) in roles:
        return (role_of(last.picture),)
    return tuple(role for role in roles_of(verdict) if role in roles)


def deciding(verdict: Verdict, role: str) -> Observation | None:
    """Return the comparison of one picture that bears on a verdict, or None."""
    mine = [seen for seen in verdict.observations if role_of(seen.picture or "") == role]
    return decisive_observation(mine, verdict.outcome)
