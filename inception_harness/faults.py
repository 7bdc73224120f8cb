"""Damage a model on purpose, and count what the behaviour suite notices."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from difflib import get_close_matches
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from inception_harness.classifier import Classifier
from inception_harness.errors import HarnessError
from inception_harness.fault_bench import Bench, Fault, NotApplicable
from inception_harness.fault_inputs import INPUT_FAULTS
from inception_harness.fault_outputs import OUTPUT_FAULTS
from inception_harness.fault_results import Caught, FaultResult, FaultRun, caught_by
from inception_harness.fault_search import half_options, profile_option
from inception_harness.fault_weights import WEIGHT_FAULTS
from inception_harness.judging import Judgement, judge
from inception_harness.records import write_record
from inception_harness.references import current_record, file_stem
from inception_harness.results import Verdict
from inception_harness.session import Models, subjects_of
from inception_harness.store import Store

__all__ = ["FAULTS", "chosen_faults", "on_the_bench", "run_faults", "slower_by"]

FAULTS: tuple[Fault, ...] = (*INPUT_FAULTS, *OUTPUT_FAULTS, *WEIGHT_FAULTS)

# Half the speed is a ratio of 2. Two runs of one model differ by a tenth on a quiet machine.
_TOO_SLOW = 1.5
_ROUNDS = 8
_REPEATED = 3
_TIMED = 8  # pictures in one batch: some 10 ms of a small network, so that a pause does not count


def chosen_faults(names: Sequence[str]) -> tuple[Fault, ...]:
    """Return the faults of these names, all where none is given.

    Raises:
        HarnessError: there is no such fault.
    """
    known = {fault.name: fault for fault in FAULTS}
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise HarnessError(
                f"--only {name}: there is no such fault.{hint} The faults are {', '.join(known)}."
            )
    return tuple(known[name] for name in dict.fromkeys(names)) if names else FAULTS


@contextmanager
def on_the_bench(spec: str, engine: str | None = None) -> Iterator[Bench]:
    """Load a model, for faults to be made of it.

    Raises:
        HarnessError: the model cannot be had or loaded, or has no card.
    """
    models = Models(Store())
    (subject,) = subjects_of([spec], [engine] if engine else [])
    if subject.card is None:
        raise HarnessError(
            f"--model {spec}: faults are made of a model's card and file; a model made by a "
            "factory has none. Write a card for it."
        )
    with ExitStack() as stack, tempfile.TemporaryDirectory(prefix="faults-") as folder:
        models.prepare(subject, progress=False)
        honest = models.classifier(subject)
        stack.callback(honest.close)
        yield Bench(models, subject, honest, Path(folder), stack)


def run_faults(
    bench: Bench,
    faults: Sequence[Fault],
    tell: Callable[[FaultResult], None] = lambda _: None,
    *,
    quick: bool = False,
) -> FaultRun:
    """Judge the honest model, then each fault of it, by the whole suite.

    A fault that cannot be made, or judged, is a result as others are: the run goes on.

    Args:
        bench: the model.
        faults: which.
        tell: is called with each result as it comes.
        quick: where the quick half of the suite notices a fault by more than stored scores, do
            not ask the thorough half, which perturbs pictures by the hundred.

    Raises:
        HarnessError: the suite does not hold of the honest model, so it proves nothing.
    """
    began = time.monotonic()
    arguments = _references(bench)
    jury = _Jury(bench, arguments)
    results = []
    for fault in faults:
        results.append(_result(bench, fault, jury, quick=quick))
        tell(results[-1])
    honest = [v for verdicts in jury.honest.values() for v in verdicts]
    judged = sum(v.outcome != "not applicable" for v in honest)
    seconds = time.monotonic() - began
    title = bench.honest.engine_title
    return FaultRun(bench.honest.name, title, judged, tuple(results), seconds)


def _references(bench: Bench) -> list[str]:
    """Write the honest scores as record and baseline; return the options of each run."""
    folder = bench.folder / "records"
    path = folder / f"{file_stem(bench.subject)}.csv"
    write_record(path, current_record(bench.models, bench.subject))
    return [
        "--override-ini",
        f"harness_records={folder}",
        f"--baseline={path}",
        profile_option("faults", derandomize=True),
    ]


class _Jury:
    """The suite in two halves; the honest model is judged once by each that is needed.

    Attributes:
        honest: the verdicts on the honest model, by half.
    """

    def __init__(self, bench: Bench, arguments: Sequence[str]) -> None:
        self._bench, self._arguments = bench, arguments
        self.honest: dict[str, list[Verdict]] = {}
        # This half has to hold. Where the other does not, only what is new there counts.
        self._verdicts_on_honest("quick")

    def caught(self, damaged: Classifier, half: str) -> tuple[Caught, ...]:
        """Return what one half of the suite notices of a damaged model."""
        honest = self._verdicts_on_honest(half)
        return caught_by(honest, self._judged(damaged, half).verdicts)

    def _verdicts_on_honest(self, half: str) -> list[Verdict]:
        if half not in self.honest:
            found = self._judged(self._bench.honest, half)
            if found.exit_code != 0 and half == "quick":
                raise HarnessError(
                    f"{self._bench.subject.key}: the behaviour suite does not hold of the model "
                    f"as it is, so nothing can be said of its faults.\n{found.output}"
                )
            self.honest[half] = found.verdicts
        return self.honest[half]

    def _judged(self, classifier: Classifier, half: str) -> Judgement:
        # The files that compare with a baseline are among the quick ones.
        own = [a for a in self._arguments if half == "quick" or not a.startswith("--baseline=")]
        options = [*own, *half_options(half)]
        found = judge(self._bench.models, self._bench.subject, classifier, options)
        if not found.verdicts:
            raise HarnessError(f"{self._bench.subject.key}: nothing was judged.\n{found.output}")
        return found


def _result(bench: Bench, fault: Fault, jury: _Jury, *, quick: bool) -> FaultResult:
    began = time.monotonic()
    reason = problem = ""
    found: tuple[Caught, ...] = ()
    with ExitStack() as opened:
        done = "made"
        try:
            damaged = fault.make(replace(bench, opened=opened))
            done = "judged"
            found = jury.caught(damaged, "quick")
            if fault.about_speed:
                found += _too_slow(bench, damaged)
            if not quick or not {each.part for each in found} - {"record", "baseline"}:
                found += jury.caught(damaged, "thorough")
        except NotApplicable as why:
            reason = str(why)
        except HarnessError as error:
            found, problem = (), f"could not be {done}: {error}"
    seconds = time.monotonic() - began
    return FaultResult(fault.name, fault.story, reason, problem, found, seconds)


def _too_slow(bench: Bench, damaged: Classifier) -> tuple[Caught, ...]:
    ratio = slower_by(bench, damaged)
    for _ in range(_REPEATED):  # a busy machine makes one measurement too slow, but hardly all
        if ratio < _TOO_SLOW:
            return ()
        ratio = min(ratio, slower_by(bench, damaged))
    title = f"Takes no more than {_TOO_SLOW} times as long as the model as it was"
    margin = _TOO_SLOW - ratio
    return (Caught("speed::pictures_each_second", title, "throughput", "failed", margin, "times"),)


def slower_by(bench: Bench, damaged: Classifier) -> float:
    """Return how many times as long a model computes as the honest one.

    The engine's `run` alone is timed, on one batch: what comes before and after it is the same in
    both. They take turns, and the quickest round of each counts: what else the machine does comes
    and goes, and only ever makes a round slower.
    """
    pictures = bench.models.picture_set(bench.subject)
    paths = islice(cycle(pictures[role].path for role in pictures), _TIMED)
    views = np.stack([bench.honest.network_view(path) for path in paths]) * np.float32(255)
    batch = bench.honest.stages.scale(views)
    best = [float("inf")] * 2
    for _ in range(_ROUNDS):
        for number, classifier in enumerate((bench.honest, damaged)):
            began = time.perf_counter()
            classifier.stages.run(batch)
            best[number] = min(best[number], time.perf_counter() - began)
    return best[1] / best[0]
