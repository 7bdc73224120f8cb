"""What a run has found, gathered in one place: the terminal's summary and the report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from inception_harness.errors import HarnessError
from inception_harness.results import Curve, Run, Timing, Verdict, merge_runs

if TYPE_CHECKING:
    from inception_harness.baselines import Baseline
    from inception_harness.session import Models, Subject

__all__ = ["Gatherer"]

_MARKS = {"passed": "✓", "failed": "✗", "error": "✗", "failure gone": "✗"}


class Gatherer:
    """A plugin of one run: takes in the verdicts, also from the workers of pytest-xdist.

    Attributes:
        verdicts: in the order in which they came.
        problems: sentences that speak against the run as a whole; any makes it fail.
        notes: sentences for the summary that make nothing fail.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.verdicts: list[Verdict] = []
        self.problems: list[str] = []
        self.notes: list[str] = []
        self._parts: list[Run] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in a verdict that came with pytest's report of a test."""
        text = getattr(report, "harness_verdict", None)
        if text is not None:
            self.verdicts.append(Verdict.from_json(text))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take in what a worker of pytest-xdist knows of its models."""
        output = getattr(node, "workeroutput", {})
        problem = output.get("harness_problem")
        if problem is not None and problem not in self.problems:
            self.problems.append(problem)
        text = output.get("harness_run")
        if text is not None:
            self._parts.append(Run.from_json(text))

    def add_part(self, part: Run) -> None:
        """Take in what this process knows of its models."""
        self._parts.append(part)

    def run(self) -> Run:
        """Return all that is known of the run."""
        from inception_harness.run_data import environment

        arguments = [str(a) for a in self._config.invocation_params.args]
        own = Run(
            timings=timings_of(self._config),
            environment=environment(arguments),
            verdicts=tuple(self.verdicts),
            problems=tuple(self.problems),
        )
        return merge_runs([own, *self._parts])

    def idle(self) -> list[str]:
        """Return the models of whose behaviours none was judged."""
        subjects = dict.fromkeys(v.subject for v in self.verdicts)
        judged = {v.subject for v in self.verdicts if v.outcome != "not applicable"}
        return [subject for subject in subjects if subject not in judged]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Never let a run look green that did not run a model, or that has a problem."""
        if hasattr(session.config, "workerinput"):
            return
        self.problems += [
            f"No behaviour was judged on {key}: all were left out as not applicable."
            for key in self.idle()
        ]
        self._publish(session.config)
        if self.problems and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _publish(self, config: pytest.Config) -> None:
        """Write the report and the summary that were asked for; a failure is a problem."""
        path = config.getoption("behaviour_report", None)
        if not self.verdicts:
            if path:
                self.problems.append(f"{path}: no report, since no behaviour was judged.")
            return
        run = self.run()
        try:
            append_step_summary(run)
            if path:
                from inception_harness.report.html import write_report

                write_report(run, path)
                self.notes.append(f"report: {path}")
        except (HarnessError, OSError) as error:
            self.problems.append(f"The report could not be written: {error}")

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say in a few lines what the models do and do not."""
        if not self.verdicts and not self.problems:
            return
        terminalreporter.section("behaviours")
        for subject in dict.fromkeys(v.subject for v in self.verdicts):
            self._summarise(terminalreporter, subject)
        for note in self.notes:
            terminalreporter.write_line(note)
        for problem in self.problems:
            terminalreporter.write_line(f"✗ {problem}", red=True)

    def _summarise(self, terminal: Any, subject: str) -> None:
        mine = [v for v in self.verdicts if v.subject == subject]
        counts = {o: sum(v.outcome == o for v in mine) for o in {v.outcome for v in mine}}
        bad = [v for v in mine if v.outcome in ("failed", "error", "failure gone")]
        judged = len(mine) - counts.get("not applicable", 0)
        text = f"{subject}: {counts.get('passed', 0)} of {judged} behaviours hold"
        if known := counts.get("known failure", 0):
            text += f", {known} known failure{'s' if known > 1 else ''}"
        if left_out := counts.get("not applicable", 0):
            text += f", {left_out} not applicable"
        terminal.write_line(text + ".", bold=True, red=bool(bad), green=not bad)
        for verdict in bad:
            first = verdict.message.splitlines()[0] if verdict.message else ""
            terminal.write_line(f"  ✗ {verdict.title}")
            if first:
                terminal.write_line(f"    {first}")
        reasons: dict[str, list[str]] = {}
        for verdict in mine:
            if verdict.outcome == "not applicable":
                reasons.setdefault(verdict.reason, []).append(verdict.title)
        for reason, titles in reasons.items():
            terminal.write_line(f"  not applicable, {reason}: {'; '.join(titles)}")


def part_of(
    models: Models,
    subjects: list[Subject],
    baseline: Baseline | None = None,
    *,
    curves: Sequence[Curve] = (),
    with_pictures: bool,
) -> Run:
    """Return what this process knows of its models.

    Args:
        models: the models of the run.
        subjects: those under test; only those that were loaded here are told of.
        baseline: what they were held against, or None.
        curves: those that behaviours have drawn.
        with_pictures: whether to add pictures, network's views and answers, for a report.
    """
    from inception_harness.baselines import flips_shown, record_answers, record_subject
    from inception_harness.run_data import answers_of, environment, picture_shown, subject_data

    known, answers, shown, flips = [], [], [], []
    for candidate, comparison in (baseline.made() if baseline else {}).items():
        stored = baseline is not None and baseline.subject is None
        known.append(record_subject(comparison.baseline, is_record=stored))
        answers += record_answers(comparison.baseline)
        flips += flips_shown(comparison, candidate)
    for subject in subjects:
        if not models.is_loaded(subject):
            continue
        try:
            classifier, pictures = models.classifier(subject), models.picture_set(subject)
        except HarnessError:
            continue  # has stopped the run before any test, with this very message
        known.append(subject_data(subject.key, classifier, pictures.name, baseline=False))
        if with_pictures:
            said = models.predictions(subject)
            answers += answers_of(subject.key, classifier, pictures, said)
            shown += [picture_shown(picture) for picture in pictures.pictures.values()]
    return merge_runs(
        [
            Run(
                environment=environment(()),
                subjects=tuple(known),
                answers=tuple(answers),
                pictures=tuple(shown),
                flips=tuple(flips),
                curves=tuple(curves),
            )
        ]
    )


def timings_of(config: pytest.Config) -> tuple[Timing, ...]:
    """Return what pytest-benchmark measured of the models, empty where nothing was timed."""
    # pytest-benchmark offers no public way to its results within a run.
    session = getattr(config, "_benchmarksession", None)
    timings = []
    for bench in getattr(session, "benchmarks", ()):
        subject = bench.extra_info.get("subject")
        if subject is None or not bench.stats.rounds:
            continue
        batch = f", batch {bench.extra_info['batch']}" if "batch" in bench.extra_info else ""
        timings.append(
            Timing(
                name=bench.name.partition("[")[0].removeprefix("test_").replace("_", " ") + batch,
                subject=subject,
                seconds=bench.stats.median,
                per_second=bench.extra_info.get("pictures_per_second") or None,
            )
        )
    return tuple(timings)


def append_step_summary(run: Run) -> None:
    """Add a short table to the file that GitHub names in ``GITHUB_STEP_SUMMARY``, if it does."""
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    if not name:
        return
    from inception_harness.report.summary import step_summary

    with Path(name).open("a", encoding="utf-8") as file:
        file.write(step_summary(run))
