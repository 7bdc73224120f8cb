"""Values of the command line's options, checked."""

from __future__ import annotations

import argparse

__all__ = ["whole_number_from_one"]


def whole_number_from_one(text: str) -> int:
    """Return a number such as ``--count``'s.

    Raises:
        ArgumentTypeError: it is none; argparse puts the option's name before the text.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"should be a whole number from 1, found {text!r}")
    return int(text)
