"""Severity curves as drawings: the geometry of small line charts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from inception_harness.report.wording import percent
from inception_harness.results import Curve, Run

__all__ = ["Chart", "Line", "charts_of"]

# The drawing's own units; the page scales it.
WIDTH, HEIGHT = 320, 180
LEFT, RIGHT, TOP, BOTTOM = 40, 308, 10, 150


@dataclass(frozen=True)
class Line:
    """One model's curve.

    Attributes:
        subject: the model's key.
        points: (x, y) in the drawing; a score that is no number leaves a gap.
        pieces: the same as the text of SVG polylines, cut at gaps.
        told: the curve in words.
    """

    subject: str
    points: tuple[tuple[float, float], ...]
    pieces: tuple[str, ...]
    told: str


@dataclass(frozen=True)
class Chart:
    """One drawing: a picture under a perturbation, a line for each model.

    Attributes:
        title: perturbation, picture and class.
        lines: one for each model.
        ticks: (x, text) of the axis of severities.
        grid: (y, text) of the axis of scores.
    """

    title: str
    picture: str
    lines: tuple[Line, ...]
    ticks: tuple[tuple[float, str], ...]
    grid: tuple[tuple[float, str], ...]


def charts_of(run: Run) -> tuple[Chart, ...]:
    """Return a chart for each picture and perturbation, with the curves of all models in it."""
    together: dict[tuple[str, str, str], list[Curve]] = {}
    for curve in run.curves:
        together.setdefault((curve.perturbation, curve.picture, curve.label), []).append(curve)
    return tuple(_chart(*key, curves) for key, curves in together.items())


def _chart(perturbation: str, picture: str, label: str, curves: Sequence[Curve]) -> Chart:
    steps = sorted({severity for curve in curves for severity in curve.severities})
    low, high = (steps[0], steps[-1]) if steps else (0.0, 1.0)
    span = (high - low) or 1.0

    def across(severity: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * (severity - low) / span, 1)

    return Chart(
        title=f"{perturbation} on {picture}: {label}",
        picture=picture,
        lines=tuple(
            _line(curve, [across(severity) for severity in curve.severities]) for curve in curves
        ),
        ticks=tuple((across(step), f"{step:g}") for step in steps),
        grid=tuple((_down(score), f"{score:.0%}") for score in (0.0, 0.5, 1.0)),
    )


def _down(score: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * min(max(score, 0.0), 1.0), 1)


def _line(curve: Curve, places: Sequence[float]) -> Line:
    pieces: list[list[tuple[float, float]]] = [[]]
    for x, score in zip(places, curve.scores, strict=True):
        if math.isfinite(score):
            pieces[-1].append((x, _down(score)))
        elif pieces[-1]:
            pieces.append([])
    told = ", ".join(
        f"{percent(score)} at {severity:g}"
        for severity, score in zip(curve.severities, curve.scores, strict=True)
    )
    return Line(
        subject=curve.subject,
        points=tuple(point for piece in pieces for point in piece),
        pieces=tuple(" ".join(f"{x:g},{y:g}" for x, y in piece) for piece in pieces if piece),
        told=told,
    )
