"""Whether a model may ship, and what speaks against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass

from inception_harness.report.looks import culprits, roles_of
from inception_harness.report.wording import count_of, flip_title, sentence
from inception_harness.results import Flip, Outcome, Run, Subject, Verdict

__all__ = ["BLOCKING", "Decision", "Reason", "candidates", "decide", "headline", "subjects_of"]

BLOCKING: tuple[Outcome, ...] = ("failed", "error", "failure gone")

# What a reader should see first.
_WEIGHT = ("failed", "flip", "error", "failure gone", "problem")


@dataclass(frozen=True)
class Reason:
    """One thing that speaks against shipping.

    Attributes:
        kind: ``failed``, ``error``, ``failure gone``, ``flip`` or ``problem``.
        title: what should hold, or what is wrong.
        figure: what was found, in a line, or "".
        picture: the role of the picture that shows it, or "".
        verdict: the verdict that it comes from, if it comes from one.
        flip: the flip that it comes from, if it comes from one.
    """

    kind: str
    title: str
    figure: str = ""
    picture: str = ""
    verdict: Verdict | None = None
    flip: Flip | None = None


@dataclass(frozen=True)
class Decision:
    """Whether one model may ship.

    Attributes:
        subject: the model.
        counts: how many verdicts of each outcome it has.
        reasons: what speaks against it; it may ship where nothing does.
        compared: how many pictures were compared, where that is all that the run did.
    """

    subject: Subject
    counts: dict[Outcome, int]
    reasons: tuple[Reason, ...]
    compared: int = 0

    @property
    def ships(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons

    @property
    def lede(self) -> str:
        """What was found, in a sentence."""
        judged = sum(n for outcome, n in self.counts.items() if outcome != "not applicable")
        kinds = Counter(reason.kind for reason in self.reasons)
        behaviours = count_of(judged, "behaviour", "behaviours")
        words = {
            "failed": (f"of {behaviours} fails", f"of {behaviours} fail"),
            "flip": ("flip is not accepted", "flips are not accepted"),
            "error": ("error", "errors"),
            "failure gone": ("known failure is gone", "known failures are gone"),
            "problem": ("problem of the run", "problems of the run"),
        }
        told = ", ".join(
            count_of(kinds[kind], one, many) for kind, (one, many) in words.items() if kinds[kind]
        )
        return f"{told}." if told else self._all_hold(judged)

    def _all_hold(self, judged: int) -> str:
        if self.compared:
            pictures = count_of(self.compared, "picture is", "pictures are")
            return f"{pictures} compared; no flip speaks against it."
        known = self.counts.get("known failure", 0)
        if not known:
            return f"All {judged} behaviours hold." if judged > 1 else "The one behaviour holds."
        failures = count_of(known, "is a known failure", "are known failures")
        return f"{judged - known} of {judged} behaviours hold, {failures}; nothing is unexpected."


def subjects_of(run: Run) -> tuple[Subject, ...]:
    """Return the models of a run, baselines first.

    A model that could not be loaded is known by its verdicts alone; it must not go missing.
    """
    known = {subject.key: subject for subject in run.subjects}
    for verdict in run.verdicts:
        unknown = Subject(verdict.subject, verdict.subject, "This model was not loaded.", "none")
        known.setdefault(verdict.subject, unknown)
    return tuple(sorted(known.values(), key=lambda subject: not subject.is_baseline))


def candidates(run: Run) -> tuple[Subject, ...]:
    """Return the models that the run judges: all but baselines, or those where nothing else is."""
    subjects = subjects_of(run)
    return tuple(subject for subject in subjects if not subject.is_baseline) or subjects


def decide(run: Run, subject: Subject) -> Decision:
    """Return whether a model may ship by this run.

    It may not where a behaviour fails, errs or is a known failure that is gone, where a flip is
    not accepted, where the run has problems, and where nothing was judged at all.
    """
    mine = [verdict for verdict in run.verdicts if verdict.subject == subject.key]
    blocking = [verdict for verdict in mine if verdict.outcome in BLOCKING]
    roles = {picture.role for picture in run.pictures} | {a.picture for a in run.answers}
    reasons = [_from_verdict(verdict, roles) for verdict in blocking]
    told = {role for v in blocking if v.kind == "baseline" for role in culprits(v, roles)}
    reasons += [
        Reason("flip", flip_title(flip), picture=flip.picture, flip=flip)
        for flip in run.flips
        if flip.subject == subject.key and not flip.accepted and flip.picture not in told
    ]
    reasons += [Reason("problem", problem) for problem in run.problems]
    compared = 0 if run.verdicts else sum(a.subject == subject.key for a in run.answers)
    if not reasons and not compared and all(v.outcome == "not applicable" for v in mine):
        reasons.append(
            Reason("problem", "No behaviour was judged: nothing is known of this model.")
        )
    reasons.sort(key=lambda reason: _WEIGHT.index(reason.kind))
    counts = dict(Counter(verdict.outcome for verdict in mine))
    return Decision(subject, counts, tuple(reasons), compared)


def _from_verdict(verdict: Verdict, roles: Container[str]) -> Reason:
    guilty = culprits(verdict, roles)
    shown = [*guilty, *roles_of(verdict), ""]
    others = f" Likewise {', '.join(guilty[1:])}." if guilty[1:] else ""
    return Reason(
        verdict.outcome,
        verdict.title.rstrip("."),
        sentence(verdict) + others,
        picture=shown[0],
        verdict=verdict,
    )


def headline(run: Run) -> str:
    """Return the run's verdict in one line."""
    decisions = [decide(run, subject) for subject in candidates(run)]
    if not decisions:
        return "Nothing was judged"
    if len(decisions) == 1:
        may = "may ship" if decisions[0].ships else "may not ship"
        return f"{decisions[0].subject.key} {may}"
    ships = sum(decision.ships for decision in decisions)
    if ships not in (0, len(decisions)):
        return f"{ships} of {len(decisions)} models may ship"
    if len(decisions) == 2:
        return "Both models may ship" if ships else "Neither model may ship"
    return f"All {ships} models may ship" if ships else "None of the models may ship"
