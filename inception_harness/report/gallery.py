"""The pictures of a run, each with the behaviours that look at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inception_harness.report.behaviours import WORST_FIRST, Behaviour
from inception_harness.report.looks import culprits, deciding, roles_of
from inception_harness.report.wording import observation_text
from inception_harness.results import Outcome, PictureShown, Run, Verdict

__all__ = ["Exhibit", "Gallery"]

# So many behaviours of a picture are in sight, more only where more need attention.
_IN_SIGHT = 4


@dataclass(frozen=True)
class Exhibit:
    """A picture as the page shows it.

    Attributes:
        shown: the picture.
        anchor: its id in the page.
        worst: the worst that any behaviour found on it, or None where none looked at it.
        in_sight: behaviours that look at it, those that fail on it first.
        folded: the others; they hold or do not apply.
    """

    shown: PictureShown
    anchor: str
    worst: Outcome | None
    in_sight: tuple[Behaviour, ...]
    folded: tuple[Behaviour, ...]


class Gallery:
    """What is known of each picture of a run.

    Attributes:
        exhibits: in the order of the picture set.
        anchors: by role.
    """

    def __init__(self, run: Run, behaviours: Sequence[Behaviour]) -> None:
        """Look up which behaviours look at which picture."""
        shown = {picture.role: picture for picture in run.pictures}
        for answer in run.answers:
            # Records know pictures by their names alone.
            shown.setdefault(answer.picture, PictureShown(answer.picture, "", 0, 0))
        self.anchors = {role: f"picture-{n}" for n, role in enumerate(shown, start=1)}
        self.exhibits = tuple(self._exhibit(picture, behaviours) for picture in shown.values())

    def _exhibit(self, picture: PictureShown, behaviours: Sequence[Behaviour]) -> Exhibit:
        found = {}
        for row in behaviours:
            outcomes = [
                self._outcome(verdict, picture.role)
                for verdict in row.verdicts.values()
                if picture.role in (*roles_of(verdict), *culprits(verdict, self.anchors))
            ]
            if outcomes:
                found[row.anchor] = (min(map(WORST_FIRST.index, outcomes)), row)
        ordered = sorted(found.values(), key=lambda pair: pair[0])
        pressing = sum(WORST_FIRST[rank] not in ("passed", "not applicable") for rank, _ in ordered)
        rows = tuple(row for _, row in ordered)
        cut = max(pressing, _IN_SIGHT)
        # One that is left over needs no fold of its own.
        cut = len(rows) if len(rows) == cut + 1 else cut
        return Exhibit(
            shown=picture,
            anchor=self.anchors[picture.role],
            worst=WORST_FIRST[ordered[0][0]] if ordered else None,
            in_sight=rows[:cut],
            folded=rows[cut:],
        )

    def _outcome(self, verdict: Verdict, role: str) -> Outcome:
        """Return what a verdict says of one picture: a failure on another is none on this."""
        guilty = culprits(verdict, self.anchors)
        return "passed" if guilty and role not in guilty else verdict.outcome

    def note(self, verdict: Verdict, role: str) -> str:
        """Return what a verdict hangs on, as far as it concerns a picture; "" where it is mute."""
        guilty = culprits(verdict, self.anchors)
        if guilty and role not in guilty:
            return f"on {', '.join(guilty)}"
        seen = deciding(verdict, role)
        return observation_text(seen, verdict.outcome) if seen else ""

    def thumbs(self, row: Behaviour) -> list[str]:
        """Return the roles of the pictures that show a behaviour best, best first."""
        found = [role for v in row.verdicts.values() for role in culprits(v, self.anchors)]
        found += [role for v in row.verdicts.values() for role in roles_of(v)]
        return [role for role in dict.fromkeys(found) if role in self.anchors]
