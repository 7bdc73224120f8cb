"""The harness's errors.

Each message says what happened, what was expected, what was found and what to do next;
the class says which part of the harness refused.
"""

__all__ = [
    "CardError",
    "EngineError",
    "HarnessError",
    "LabelError",
    "PictureError",
    "RecordError",
    "StoreError",
]


class HarnessError(Exception):
    """Anything that the harness refuses, with a message made for the person who caused it."""


class CardError(HarnessError):
    """A model's card, or the spec that names it, is not right."""


class StoreError(HarnessError):
    """A file could not be had, or is not the file that it should be."""


class LabelError(HarnessError, LookupError):
    """A class name, WNID or number is unknown or ambiguous, or a label file is damaged."""


class PictureError(HarnessError, ValueError):
    """Something given as a picture is not one, or is one that cannot be handled."""


class EngineError(HarnessError, RuntimeError):
    """A runtime is missing, or cannot run the model that a card describes."""


class RecordError(HarnessError, ValueError):
    """A record, a list of known failures or a list of accepted flips is damaged."""
