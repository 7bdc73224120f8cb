"""The other side of faults: the model as it is, in many runs, must raise no alarm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import islice, product

from inception_harness.engines import EngineSpec
from inception_harness.errors import HarnessError
from inception_harness.fault_search import half_options, profile_option
from inception_harness.judging import judge
from inception_harness.session import Models, subjects_of
from inception_harness.store import Store

__all__ = ["honest_runs", "settings_of_runs"]

_THREADS = (1, 2)
_BATCHES = (None, 1, 3, 8)
_BAD = ("failed", "error", "failure gone")


def settings_of_runs(runs: int) -> list[tuple[int, int, int | None]]:
    """Return seed, threads and batch size of each run; all pairs of the last two take turns."""
    pairs = list(product(_BATCHES, _THREADS))
    turns = islice((pair for _ in range(runs) for pair in pairs), runs)
    return [(seed, threads, batch) for seed, (batch, threads) in enumerate(turns, start=1)]


def honest_runs(
    spec: str, runs: int, tell: Callable[[str], None], half: str = "whole"
) -> Counter[str]:
    """Judge a model that nothing is wrong with, again and again.

    Args:
        spec: a model that has a card.
        runs: how many.
        tell: is given a line on each run.
        half: of the suite, see `inception_harness.fault_search.half_options`.

    Returns:
        By behaviour, in how many of the runs it raised an alarm. Known failures are none.

    Raises:
        HarnessError: the model cannot be had or loaded, or nothing was judged.
    """
    profile = profile_option("faults-seeded", derandomize=False)
    alarms: Counter[str] = Counter()
    store = Store()
    for seed, threads, batch in settings_of_runs(runs):
        (plain,) = subjects_of([spec], [])
        own = plain.engine_spec()
        if own is None:
            raise HarnessError(f"--model {spec}: a model made by a factory has no engine to vary.")
        chosen = EngineSpec(own.name, threads=threads, batch=batch)
        (subject,) = subjects_of([spec], [str(chosen)])
        models = Models(store)
        try:
            models.prepare(subject, progress=False)
            options = [profile, f"--hypothesis-seed={seed}", *half_options(half)]
            found = judge(models, subject, models.classifier(subject), options)
        finally:
            models.close()
        if not found.verdicts:
            raise HarnessError(f"{spec}: no behaviour was judged.\n{found.output}")
        bad = [v.test for v in found.verdicts if v.outcome in _BAD]
        alarms.update(bad)
        if found.exit_code != 0 and not bad:
            alarms[f"the run as a whole: {found.output.strip().splitlines()[-1]}"] += 1
        tell(f"seed {seed}, {chosen}: {len(bad)} alarms of {len(found.verdicts)} verdicts")
    return alarms
