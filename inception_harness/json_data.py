"""Frozen dataclasses as JSON, strictly: what comes back is equal to what went out, or an error."""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Self, Union, get_args, get_origin, get_type_hints

from inception_harness.errors import RecordError

__all__ = ["JsonData"]

# JSON has no such numbers, and a damaged model may well give them as scores: {"number": "nan"}.
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class JsonData:
    """Base of dataclasses that are sent and kept as JSON.

    Fields may be str, int, float, bool, None, ``Literal`` of texts, other such dataclasses,
    ``tuple[X, ...]``, ``dict[str, X]`` and unions of these.
    """

    def to_json(self) -> str:
        """Return the data as one line of JSON, ASCII only."""
        return json.dumps(_plain(self), allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises:
            RecordError: the text is not JSON, a key is missing or unknown, or a value has the
                wrong type; the message names the place, as in ``verdicts[3].outcome``.
        """
        try:
            value = json.loads(text)
            made: Self = _made(cls, value, cls.__name__)
        except RecordError:
            raise
        # Numbers too large for a float overflow only when they are made one.
        except (ValueError, OverflowError) as error:
            raise RecordError(
                f"{cls.__name__}: the JSON is damaged: {error}. Make it anew with a run."
            ) from error
        return made


def _plain(value: Any) -> Any:
    """Return data that `json` can write."""
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, float):
        # Subclasses of float and str, such as a prediction's scores, become plain ones.
        return float(value) if math.isfinite(value) else {"number": str(float(value))}
    return str(value) if isinstance(value, str) else value


def _made(kind: Any, value: Any, where: str) -> Any:
    """Return the value as the type that an annotation asks for."""
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _made_one_of(get_args(kind), value, where)
    if origin is tuple and isinstance(value, list):
        item = get_args(kind)[0]
        return tuple(_made(item, v, f"{where}[{n}]") for n, v in enumerate(value))
    if origin is dict and isinstance(value, dict):
        item = get_args(kind)[1]
        return {key: _made(item, v, f"{where}.{key}") for key, v in value.items()}
    if is_dataclass(kind) and isinstance(value, dict):
        return _made_dataclass(kind, value, where)
    if origin is Literal and value in get_args(kind):
        return value
    if kind is float and type(value) in (int, float):
        return float(value)
    if kind is float and value in ({"number": name} for name in _NOT_FINITE):
        return _NOT_FINITE[value["number"]]
    if isinstance(kind, type) and type(value) is kind:
        return value
    raise RecordError(f"{where}: expected {_name(kind)}, found {json.dumps(value)[:80]}.")


def _made_one_of(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    for kind in kinds:
        try:
            return _made(kind, value, where)
        except RecordError:
            if is_dataclass(kind) and isinstance(value, dict):
                raise
    names = " or ".join(_name(kind) for kind in kinds)
    raise RecordError(f"{where}: expected {names}, found {json.dumps(value)[:80]}.")


def _made_dataclass(kind: Any, value: dict[str, Any], where: str) -> Any:
    hints = _hints(kind)
    unknown = sorted(set(value) - set(hints))
    missing = [
        field.name
        for field in fields(kind)
        if field.name not in value and field.default is MISSING and field.default_factory is MISSING
    ]
    if unknown or missing:
        told = [f"unknown key {key!r}" for key in unknown]
        told += [f"missing key {key!r}" for key in missing]
        raise RecordError(f"{where}: {', '.join(told)}. It comes from another version?")
    return kind(**{key: _made(hints[key], v, f"{where}.{key}") for key, v in value.items()})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    return {name: hint for name, hint in get_type_hints(kind).items() if name in names}


def _name(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(get_args(kind))
    if kind is NoneType:
        return "null"
    return "list" if get_origin(kind) is tuple else str(getattr(kind, "__name__", kind))
