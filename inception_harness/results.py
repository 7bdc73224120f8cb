"""The data of a run: what a report is made of, and of nothing else.

Everything here is a frozen dataclass that goes to JSON and back (`JsonData`), since the workers
of pytest-xdist send their part to the controller as text. Pictures travel inside as base64.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal

from inception_harness.json_data import JsonData

__all__ = [
    "Answer",
    "Curve",
    "Environment",
    "Flip",
    "Observation",
    "Outcome",
    "PictureShown",
    "Row",
    "Run",
    "Subject",
    "Timing",
    "Verdict",
    "decisive_observation",
    "margin_of",
    "merge_runs",
]

Outcome = Literal["passed", "failed", "known failure", "failure gone", "not applicable", "error"]


@dataclass(frozen=True)
class Observation(JsonData):
    """One comparison that a behaviour made.

    Attributes:
        what: what was compared, for example the class's name.
        got: what the model gave: a score 0..1, another number, or a label.
        op: ``>``, ``>=``, ``<``, ``<=``, ``==`` or ``!=``.
        bound: what it was compared with, in the unit of `got`.
        margin: by how much it holds, negative where it does not. In the unit of `got`; for a
            label, in units of the score.
        picture: the role of the picture, or None where no picture is meant.
        unit: ``score`` (shown as per cent) or the unit's name, ``""`` for a bare number.
    """

    what: str
    got: float | str
    op: str
    bound: float | str
    margin: float
    picture: str | None = None
    unit: str = "score"


@dataclass(frozen=True)
class Verdict(JsonData):
    """What one behaviour found of one subject.

    Attributes:
        test: the test's id without the model's part, ``test_panda.py::test_x[param]``.
        title: the first sentence of its docstring, or its name in words.
        story: the whole docstring.
        kind: the marker: minimum, invariance, direction, contract, record, baseline, throughput …
        subject: the key of the `Subject`.
        outcome: ``known failure`` is one that is listed and did fail; ``failure gone`` is listed
            and did not, which fails the run.
        quirk: whether it asserts a surprising thing that the model does.
        margin: by how much it holds or fails (`margin_of`), or None where nothing was measured.
        unit: the margin's unit, as in `Observation`.
        observations: what it compared.
        pictures: the roles of the pictures that it looked at.
        message: what a failure says; text of several lines.
        reason: why it is a known failure, or does not apply.
        seen: for a known failure, the figures that were seen when it was listed.
        since: for a known failure, the version that had it first.
    """

    test: str
    title: str
    story: str
    kind: str
    subject: str
    outcome: Outcome
    quirk: bool = False
    margin: float | None = None
    unit: str = "score"
    observations: tuple[Observation, ...] = ()
    pictures: tuple[str, ...] = ()
    message: str = ""
    reason: str = ""
    seen: str = ""
    since: str = ""


@dataclass(frozen=True)
class Subject(JsonData):
    """A model on an engine, or a record that stands for one.

    Attributes:
        key: what tells it from the others of the run; the model's name where that is enough.
        model: the model's name.
        title: what the model is, in a line.
        engine: the runtime, as after ``--engine``; for a record the one it was made with.
        file_hash: sha256 of the weights' file, or "".
        decoder: what decoded the pictures.
        picture_set: the name of the picture set.
        is_baseline: whether it is what the others are compared with.
        is_record: whether only its stored scores are at hand.
        input_width: of the network's input, in pixels, or None where it is not known.
        input_height: likewise.
        notes: what a person should know of how the model was loaded.
    """

    key: str
    model: str
    title: str
    engine: str
    engine_version: str = ""
    precision: str = ""
    threads: int | None = None
    file_hash: str = ""
    decoder: str = ""
    picture_set: str = ""
    is_baseline: bool = False
    is_record: bool = False
    input_width: int | None = None
    input_height: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row(JsonData):
    """One class of an answer: its rank from 1, number, first name and score 0..1."""

    rank: int
    number: int
    name: str
    score: float


@dataclass(frozen=True)
class Answer(JsonData):
    """What a subject said of a picture.

    Attributes:
        subject: the key of the `Subject`.
        picture: the role of the picture.
        rows: the best classes, best first, ten at most.
        view_png: what the network sees, a small PNG in base64; "" where it is not known.
    """

    subject: str
    picture: str
    rows: tuple[Row, ...]
    view_png: str = ""


@dataclass(frozen=True)
class PictureShown(JsonData):
    """A picture as the report shows it.

    Attributes:
        role: what it is called in tests.
        caption: what it shows, in a sentence; the text for those who do not see it.
        width: of the original, in pixels.
        height: of the original, in pixels.
        photo: a thumbnail of 320 pixels at most, in base64; "" where there is none.
        media_type: of the thumbnail, ``image/jpeg`` or ``image/png``.
        licence: of the original.
        expected: the class that a good model gives it, or "" where none is right.
    """

    role: str
    caption: str
    width: int
    height: int
    photo: str = ""
    media_type: Literal["image/jpeg", "image/png"] = "image/jpeg"
    licence: str = ""
    expected: str = ""


@dataclass(frozen=True)
class Flip(JsonData):
    """A picture to which the candidate answers worse than the baseline.

    Attributes:
        picture: the role of the picture.
        kind: ``wrong now`` (the baseline is right, the candidate is not), ``other top class``
            (the baseline was sure of another) or ``score fell`` (by more than the bound).
        baseline: the key of the baseline's `Subject`.
        subject: the key of the candidate's `Subject`.
        baseline_label: the baseline's top class.
        candidate_label: the candidate's top class.
        expected: the right class, or "" where none is stated.
        accepted: the reason for which it is accepted, or "" where it is not.
        baseline_rows: the baseline's best classes.
        candidate_rows: the candidate's best classes.
    """

    picture: str
    kind: Literal["wrong now", "other top class", "score fell"]
    baseline: str
    subject: str
    baseline_label: str
    candidate_label: str
    expected: str = ""
    accepted: str = ""
    baseline_rows: tuple[Row, ...] = ()
    candidate_rows: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Timing(JsonData):
    """How fast something was.

    Attributes:
        name: what was done.
        subject: the key of the `Subject`, or "".
        seconds: median of one round, or None.
        per_second: pictures per second, or None where no pictures were counted.
        ratio: of `per_second` to the tutorial's loop in the same run, or None.
        share: of what the machine's matrix product allows, 0..1, or None.
        noisy: whether the rounds differed too much to be trusted.
    """

    name: str
    subject: str = ""
    seconds: float | None = None
    per_second: float | None = None
    ratio: float | None = None
    share: float | None = None
    noisy: bool = False


@dataclass(frozen=True)
class Curve(JsonData):
    """The score of one class while a picture is perturbed more and more.

    Attributes:
        perturbation: its name.
        picture: the role of the picture.
        subject: the key of the `Subject`.
        label: the class that is followed.
        severities: from 0, the picture as it is.
        scores: one for each severity, 0..1.
    """

    perturbation: str
    picture: str
    subject: str
    label: str
    severities: tuple[float, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True)
class Environment(JsonData):
    """Where and when a run was made.

    Attributes:
        date: ISO 8601, with the offset to UTC.
        python: Python's version.
        platform: system and processor.
        cpu_count: the cores that the run may use.
        versions: of packages, by name.
        command: the command line, or "".
    """

    date: str
    python: str
    platform: str
    cpu_count: int
    versions: dict[str, str] = field(default_factory=dict)
    command: str = ""


@dataclass(frozen=True)
class Run(JsonData):
    """All of a run.

    Attributes:
        environment: where and when.
        subjects: in the order of the command line; a baseline may be among them.
        verdicts: in the order in which the tests stand.
        problems: what else speaks against shipping, each a sentence: an entry of the known
            failures that matches no test, a record that was written and not compared.
    """

    environment: Environment
    subjects: tuple[Subject, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    pictures: tuple[PictureShown, ...] = ()
    answers: tuple[Answer, ...] = ()
    flips: tuple[Flip, ...] = ()
    timings: tuple[Timing, ...] = ()
    curves: tuple[Curve, ...] = ()
    problems: tuple[str, ...] = ()


def decisive_observation(
    observations: Sequence[Observation], outcome: Outcome
) -> Observation | None:
    """Return the comparison that an outcome hangs on, or None where none was measured.

    A behaviour may make comparisons that need not hold ("at least four of five", "where the model
    is sure"). So for one that holds it is the closest of those that hold, and for one that fails
    the last of those that fail: there the test ended.

    Args:
        observations: in the order in which they were made.
        outcome: how the behaviour ended.
    """
    measured = [seen for seen in observations if math.isfinite(seen.margin)]
    if outcome in ("passed", "failure gone"):
        holding = (seen for seen in measured if seen.margin >= 0)
        return min(holding, key=lambda seen: seen.margin, default=None)
    return next((seen for seen in reversed(measured) if seen.margin <= 0), None)


def margin_of(observations: Sequence[Observation], outcome: Outcome) -> tuple[float | None, str]:
    """Return the margin of a verdict and its unit: those of its `decisive_observation`."""
    seen = decisive_observation(observations, outcome)
    return (seen.margin, seen.unit) if seen else (None, "score")


def merge_runs(parts: Sequence[Run]) -> Run:
    """Join the parts of a run that several processes made.

    What two parts both have stands once, as the first has it. The environment is that of the
    first part.

    Raises:
        ValueError: there are no parts.
    """
    if not parts:
        raise ValueError("merge_runs: at least one run was expected, none was given.")

    def joined(name: str, *keys: str) -> Any:
        return _once(chain.from_iterable(getattr(part, name) for part in parts), keys)

    return Run(
        environment=parts[0].environment,
        subjects=joined("subjects", "key"),
        verdicts=joined("verdicts", "test", "subject"),
        pictures=joined("pictures", "role"),
        answers=joined("answers", "subject", "picture"),
        flips=joined("flips", "picture", "kind", "subject"),
        timings=joined("timings", "name", "subject"),
        curves=joined("curves", "perturbation", "picture", "subject", "label"),
        problems=tuple(dict.fromkeys(chain.from_iterable(part.problems for part in parts))),
    )


def _once(items: Iterable[Any], keys: Sequence[str]) -> tuple[Any, ...]:
    found: dict[tuple[Any, ...], Any] = {}
    for item in items:
        found.setdefault(tuple(getattr(item, key) for key in keys), item)
    return tuple(found.values())
