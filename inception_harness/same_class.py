"""Whether two classes are the same, though models number and spell them differently."""

from __future__ import annotations

import re
from collections.abc import Sequence

from inception_harness.errors import RecordError
from inception_harness.record_data import RecordRow

__all__ = ["is_right", "same_class", "same_name"]

_WNID = re.compile(r"n\d{8}")


def is_right(rows: Sequence[RecordRow], expected: str) -> bool:
    """Tell whether the top class is the expected one; of several with the same score, any.

    Args:
        rows: the best classes, best first.
        expected: a class by its first name, its full name or its WNID.

    Raises:
        RecordError: the class is given by its WNID, and the rows have none.
    """
    best = [row for row in rows if row.score == rows[0].score]
    if _WNID.fullmatch(expected):
        if not any(row.wnid for row in rows):
            raise RecordError(
                f"The right class is given as {expected}, and the record has no WNIDs. Give it by "
                "its name."
            )
        return any(row.wnid == expected for row in best)
    return any(same_name(row.name, expected) for row in best)


def same_class(one: RecordRow, other: RecordRow) -> bool:
    """Tell whether two models mean the same class: by WNID where both have it, else by name."""
    if one.wnid and other.wnid:
        return one.wnid == other.wnid
    return same_name(one.name, other.name)


def same_name(one: str, other: str) -> bool:
    """Tell whether two names are the same but for case, underscores and further names."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    # Keras writes giant_panda where others write giant panda.
    return name.split(",", 1)[0].strip().replace("_", " ").casefold()
