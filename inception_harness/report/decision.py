"""Whether a model may ship, and what speaks against it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from inception_harness.report.wording import count_of, sentence
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
    """

    subject: Subject
    counts: dict[Outcome, int]
    reasons: tuple[Reason, ...]

    @property
    def ships(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons

    @property
    def lede(self) -> str:
        """What was found, in a sentence."""
        judged = sum(n for outcome, n in self.counts.items() if outcome != "not applicable")
        kinds = Counter(reason.kind for reason in self.reasons)
        parts = [
            f"{kinds['failed']} of {count_of(judged, 'behaviour', 'behaviours')} "
            f"{'fails' if kinds['failed'] == 1 else 'fail'}"
            if kinds["failed"]
            else "",
            count_of(kinds["flip"], "flip is not accepted", "flips are not accepted")
            if kinds["flip"]
            else "",
            count_of(kinds["error"], "error", "errors") if kinds["error"] else "",
            count_of(kinds["failure gone"], "known failure is gone", "known failures are gone")
            if kinds["failure gone"]
            else "",
            count_of(kinds["problem"], "problem of the run", "problems of the run")
            if kinds["problem"]
            else "",
        ]
        told = ", ".join(filter(None, parts))
        return f"{told}." if told else self._all_hold(judged)

    def _all_hold(self, judged: int) -> str:
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
    reasons = [_from_verdict(verdict) for verdict in blocking]
    told = {role for v in blocking if v.kind == "baseline" for role in v.pictures}
    reasons += [
        Reason("flip", _flip_title(flip), picture=flip.picture, flip=flip)
        for flip in run.flips
        if flip.subject == subject.key and not flip.accepted and flip.picture not in told
    ]
    reasons += [Reason("problem", problem) for problem in run.problems]
    if all(verdict.outcome == "not applicable" for verdict in mine) and not reasons:
        reasons.append(
            Reason("problem", "No behaviour was judged: nothing is known of this model.")
        )
    reasons.sort(key=lambda reason: _WEIGHT.index(reason.kind))
    return Decision(subject, dict(Counter(v.outcome for v in mine)), tuple(reasons))


def _from_verdict(verdict: Verdict) -> Reason:
    failing = sorted(
        (seen for seen in verdict.observations if seen.margin <= 0), key=lambda seen: seen.margin
    )
    pictures = [seen.picture for seen in failing if seen.picture] or list(verdict.pictures)
    return Reason(
        verdict.outcome,
        verdict.title.rstrip("."),
        sentence(verdict),
        picture=pictures[0] if pictures else "",
        verdict=verdict,
    )


def _flip_title(flip: Flip) -> str:
    if flip.kind == "score fell":
        return f"{flip.picture}: the score of {flip.baseline_label} fell by more than is allowed"
    return f"{flip.picture}: {flip.baseline_label} became {flip.candidate_label}"


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
