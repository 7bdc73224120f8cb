"""What became of faults: the data, and the table of them."""

from __future__ import annotations

from dataclasses import dataclass

from inception_harness.json_data import JsonData
from inception_harness.results import Verdict

__all__ = ["PARTS", "Caught", "FaultResult", "FaultRun", "caught_by", "markdown_table", "part_of"]

PARTS = ("behaviours", "contract", "record", "baseline", "throughput")
_PART_OF = {"contract": "contract", "record": "record", "baseline": "baseline"}
_PART_OF |= {"parity": "baseline", "throughput": "throughput"}
_BAD = ("failed", "error", "failure gone")
_SHOWN = 3


def part_of(verdict: Verdict) -> str:
    """Return the part of the suite that a behaviour belongs to, one of `PARTS`."""
    return _PART_OF.get(verdict.kind, "behaviours")


@dataclass(frozen=True)
class Caught(JsonData):
    """A behaviour that holds of the honest model and not of the damaged one.

    Attributes:
        test: its id.
        title: its first sentence.
        part: the part of the suite, one of `PARTS`.
        outcome: ``failed``, ``error`` or ``failure gone``.
        margin: by how much it fails, negative, or None where it measures nothing.
        unit: of the margin.
    """

    test: str
    title: str
    part: str
    outcome: str
    margin: float | None = None
    unit: str = "score"

    @property
    def margin_text(self) -> str:
        """The margin as people read it, or nothing."""
        if self.margin is None:
            return ""
        if self.unit == "score":
            return f"{self.margin:+.1%}".replace("-", "−").replace("%", " %")
        return f"{self.margin:+.3g} {self.unit}".replace("-", "−").rstrip()


@dataclass(frozen=True)
class FaultResult(JsonData):
    """What became of one fault.

    Attributes:
        name: of the fault.
        story: what was wrong.
        reason: why it does not apply to the model, or "".
        problem: why it applies and could not be made or judged, or "". That proves nothing.
        caught: the behaviours that noticed it.
        seconds: how long it took to make and to judge.
    """

    name: str
    story: str
    reason: str = ""
    problem: str = ""
    caught: tuple[Caught, ...] = ()
    seconds: float = 0.0

    @property
    def survived(self) -> bool:
        """Whether it applies, was judged, and nothing noticed it."""
        return not (self.reason or self.problem or self.caught)

    @property
    def answer(self) -> str:
        """What became of it, in a few words."""
        if self.reason:
            return "does not apply"
        if self.problem:
            return "not judged"
        return "no" if self.survived else "yes"

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the suite each of which alone would have caught it."""
        found = {each.part for each in self.caught}
        return tuple(part for part in PARTS if part in found)

    @property
    def only_by_record(self) -> bool:
        """Whether nothing but stored scores noticed it."""
        return bool(self.caught) and not set(self.parts) - {"record", "baseline"}


@dataclass(frozen=True)
class FaultRun(JsonData):
    """All faults of one model.

    Attributes:
        model: its name.
        engine: what computed.
        behaviours: how many were judged of the honest model.
        results: one for each fault.
        seconds: of the whole run.
    """

    model: str
    engine: str
    behaviours: int
    results: tuple[FaultResult, ...]
    seconds: float

    @property
    def summary(self) -> str:
        """The counts in one sentence."""
        applied = [r for r in self.results if not r.reason]
        stored = [r for r in applied if r.only_by_record]
        caught = sum(bool(r.caught) for r in applied)
        text = (
            f"{self.model}: {caught} of {len(applied)} faults caught, "
            f"{caught - len(stored)} of them without stored scores"
        )
        if lost := [r.name for r in applied if r.survived]:
            text += f"; survived: {', '.join(lost)}"
        if broken := [r.name for r in applied if r.problem]:
            text += f"; not judged: {', '.join(broken)}"
        if left_out := len(self.results) - len(applied):
            text += f"; {left_out} do not apply"
        return f"{text}. {self.seconds:.0f} s."


def caught_by(honest: list[Verdict], damaged: list[Verdict]) -> tuple[Caught, ...]:
    """Return the behaviours that failed of the damaged model and not of the honest one."""
    before = {v.test for v in honest if v.outcome in _BAD}
    return tuple(
        Caught(v.test, v.title, part_of(v), v.outcome, v.margin, v.unit)
        for v in damaged
        if v.outcome in _BAD and v.test not in before
    )


def markdown_table(run: FaultRun) -> str:
    """Return the table of a run: fault, verdict, behaviours, margin, and parts of the suite."""
    lines = [
        "| fault | caught | " + " | ".join(PARTS) + " | by, with the margin |",
        "|---|---|" + "---|" * len(PARTS) + "---|",
    ]
    for result in run.results:
        answer, told = result.answer, result.reason or result.problem or _told(result)
        if answer in ("no", "not judged"):
            answer = f"**{answer}**"
        answer += ", by stored scores alone" if result.only_by_record else ""
        marks = [str(_count(result, part) or "") for part in PARTS]
        # An error may be of several lines, and a row of a table is one.
        told = " ".join(told.split()).replace("|", "\\|")
        lines.append(f"| {result.story} | {answer} | {' | '.join(marks)} | {told} |")
    return "\n".join(lines) + "\n"


def _count(result: FaultResult, part: str) -> int:
    return sum(each.part == part for each in result.caught)


def _told(result: FaultResult) -> str:
    """Return the behaviours that failed by most, one of each part first."""
    ranked = sorted(result.caught, key=lambda c: (PARTS.index(c.part), c.margin or 0.0))
    first = {each.part: each for each in reversed(ranked)}
    chosen = [each for each in ranked if each is first[each.part]]
    chosen += [each for each in ranked if each not in chosen]
    shown = [
        f"`{each.test.partition('::')[2]}`" + (f" {each.margin_text}" if each.margin_text else "")
        for each in chosen[:_SHOWN]
    ]
    more = len(chosen) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
