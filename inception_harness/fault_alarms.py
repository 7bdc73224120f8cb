"""The other side of faults: the model as it is, in many runs, must raise no alarm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice, product

from inception_harness.engines import EngineSpec
from inception_harness.errors import HarnessError
from inception_harness.fault_search import half_options, profile_option
from inception_harness.json_data import JsonData
from inception_harness.judging import judge
from inception_harness.session import Models, subjects_of
from inception_harness.store import Store

__all__ = ["HonestRun", "HonestRuns", "honest_runs", "settings_of_runs"]

_THREADS = (1, 2)
_BATCHES = (None, 1, 3, 8)
_BAD = ("failed", "error", "failure gone")


@dataclass(frozen=True)
class HonestRun(JsonData):
    """One run of a model that nothing is wrong with.

    Attributes:
        seed: of Hypothesis.
        engine: as after ``--engine``, with threads and batch size.
        judged: how many verdicts there are.
        alarms: the ids of the behaviours that failed; known failures are none.
    """

    seed: int
    engine: str
    judged: int
    alarms: tuple[str, ...]

    @property
    def line(self) -> str:
        """The run in one line."""
        count = len(self.alarms)
        return f"seed {self.seed}, {self.engine}: {count} alarms of {self.judged} verdicts"


@dataclass(frozen=True)
class HonestRuns(JsonData):
    """All runs of one model.

    Attributes:
        model: as it was asked for.
        half: of the suite, see `inception_harness.fault_search.half_options`.
        runs: one for each setting.
    """

    model: str
    half: str
    runs: tuple[HonestRun, ...]

    @property
    def alarms(self) -> Counter[str]:
        """By behaviour, in how many of the runs it raised an alarm."""
        return Counter(test for run in self.runs for test in run.alarms)

    @property
    def summary(self) -> str:
        """The counts in one sentence."""
        count = len(self.runs)
        return (
            f"{self.model}: {count} run{'s' * (count != 1)} of the model as it is, "
            f"{self.alarms.total()} false alarms."
        )

    def markdown_table(self) -> str:
        """Return one row for each run: seed, engine, verdicts, alarms."""
        lines = ["| seed | engine | verdicts | false alarms |", "|---|---|---|---|"]
        for run in self.runs:
            told = ", ".join(f"`{test}`" for test in run.alarms) or "none"
            lines.append(f"| {run.seed} | {run.engine} | {run.judged} | {told} |")
        return "\n".join(lines) + "\n"


def settings_of_runs(runs: int, engine: EngineSpec) -> list[tuple[int, EngineSpec]]:
    """Return seed and engine of each run; all pairs of threads and batch size take turns.

    Args:
        runs: how many, from 1.
        engine: what computes. Its precision stays, and so do threads and batch size that it names.
    """
    threads = (engine.threads,) if engine.threads else _THREADS
    batches = (engine.batch,) if engine.batch else _BATCHES
    pairs = list(product(batches, threads))
    turns = islice((pair for _ in range(runs) for pair in pairs), runs)
    return [
        (seed, replace(engine, threads=threads, batch=batch))
        for seed, (batch, threads) in enumerate(turns, start=1)
    ]


def honest_runs(
    spec: str,
    runs: int,
    tell: Callable[[HonestRun], None] = lambda _: None,
    *,
    engine: str | None = None,
    half: str = "whole",
) -> HonestRuns:
    """Judge a model that nothing is wrong with, again and again.

    Args:
        spec: a model that has a card.
        runs: how many, from 1.
        tell: is called with each run as it ends.
        engine: what computes, as after ``--engine``, or None for the default of the format.
        half: of the suite, see `inception_harness.fault_search.half_options`.

    Raises:
        HarnessError: the model cannot be had or loaded, or nothing was judged.
    """
    (plain,) = subjects_of([spec], [engine] if engine else [])
    own = plain.engine_spec()
    if own is None or plain.card is None:
        raise HarnessError(f"--model {spec}: a model made by a factory has no engine to vary.")
    profile = profile_option("faults-seeded", derandomize=False)
    store = Store()
    done = []
    for seed, chosen in settings_of_runs(runs, own):
        options = [profile, f"--hypothesis-seed={seed}", *half_options(half)]
        done.append(_judged_once(spec, seed, chosen, store, options))
        tell(done[-1])
    return HonestRuns(spec, half, tuple(done))


def _judged_once(
    spec: str, seed: int, engine: EngineSpec, store: Store, options: list[str]
) -> HonestRun:
    (subject,) = subjects_of([spec], [str(engine)])
    models = Models(store)
    try:
        models.prepare(subject, progress=False)
        found = judge(models, subject, models.classifier(subject), options)
    finally:
        models.close()
    if not found.verdicts:
        raise HarnessError(f"{spec}: no behaviour was judged.\n{found.output}")
    bad = [v.test for v in found.verdicts if v.outcome in _BAD]
    if found.exit_code != 0 and not bad:
        bad = [f"the run as a whole: {found.output.strip().splitlines()[-1]}"]
    return HonestRun(seed, str(engine), len(found.verdicts), tuple(bad))
