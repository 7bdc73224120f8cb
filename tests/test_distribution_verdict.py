"""Verdicts on shares: pass, fail, inconclusive, and how many more trials would decide."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from PIL import Image
from scipy.stats import binomtest

from inception_harness.results import Verdict
from inception_harness.wilson import judge_share, wilson_interval
from tests.inner_runs import INNER

SUITE = Path(__file__).resolve().parents[1] / "behaviour_tests"


@pytest.mark.parametrize(("successes", "trials"), [(0, 20), (1, 7), (97, 200), (200, 200)])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_the_interval_is_wilsons(successes, trials, confidence):
    theirs = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    assert wilson_interval(successes, trials, confidence) == pytest.approx(tuple(theirs))


@pytest.mark.parametrize(
    ("successes", "outcome"),
    [(200, "pass"), (119, "pass"), (118, "inconclusive"), (82, "inconclusive"), (81, "fail")],
)
def test_where_each_verdict_begins(successes, outcome):
    verdict = judge_share(successes, 200, 0.5)
    assert verdict.outcome == outcome
    if outcome != "inconclusive":
        assert verdict.more == 0


@pytest.mark.parametrize(("successes", "trials", "required"), [(110, 200, 0.5), (45, 100, 0.5),
                                                               (83, 100, 0.8)])  # fmt: skip
def test_so_many_more_decide_and_one_less_does_not(successes, trials, required):
    """If the share found stays: the count is the smallest that takes the interval off the bound."""
    verdict = judge_share(successes, trials, required)
    assert verdict.outcome == "inconclusive"
    share = successes / trials

    def decided(count: int) -> bool:
        low, high = wilson_interval(share * count, count)
        return low >= required or high < required

    assert decided(trials + verdict.more)
    assert not decided(trials + verdict.more - 1)


def test_no_number_decides_between_a_share_and_itself():
    assert judge_share(100, 200, 0.5).more is None


@pytest.mark.parametrize(("successes", "trials"), [(3, 2), (-1, 4), (0, 0)])
def test_what_is_no_sample_is_refused(successes, trials):
    with pytest.raises(ValueError, match=rf"^{successes} of {trials}: a sample of at least one "):
        judge_share(successes, trials, 0.5)


# Says macaw of so many crops in a hundred, whatever they show; of the whole parrot always.
SHARES = """
import numpy as np

class Share:
    labels, input_size, name = ("macaw", "other"), (8, 8), "share"
    asked, share = 0, SHARE

    def scores(self, batch):
        rows = []
        for _ in batch:
            right = Share.asked % 100 < Share.share or Share.asked == 0
            rows.append((0.9, 0.1) if right else (0.1, 0.9))
            Share.asked += 7  # all hundred in turn, well mixed
        return np.array(rows, np.float32)
"""


@pytest.mark.parametrize(
    ("share", "begins"),
    [
        (49, "inconclusive: parrot: 392 of 800 random crops are macaw first (49.0%; "),
        (30, "parrot: 60 of 200 random crops are macaw first (30.0%; "),
        (70, None),
    ],
)
def test_what_is_not_decided_fails_and_says_so_first(pytester, share, begins):
    Image.new("RGB", (40, 60), (200, 30, 10)).save(pytester.path / "parrot.png")
    sha = hashlib.sha256((pytester.path / "parrot.png").read_bytes()).hexdigest()
    pytester.makefile(
        ".toml",
        set='name = "one"\ntitle = "One"\n[pictures.parrot]\nfile = "parrot.png"\n'
        f'caption = "A parrot."\nexpected = "macaw"\nsha256 = "{sha}"\n',
    )
    pytester.makepyfile(share_model=SHARES.replace("SHARE\n", f"{share}\n"))
    pytester.syspathinsert()
    result = pytester.inline_run(
        str(SUITE / "test_distribution.py"),
        "--import-mode=importlib",
        *INNER,
        "--model=share_model:Share",
        "--pictures=set.toml",
    )
    (verdict,) = (
        Verdict.from_json(report.harness_verdict)
        for report in result.getreports("pytest_runtest_logreport")
        if hasattr(report, "harness_verdict")
    )
    if begins is None:
        assert verdict.outcome == "passed"
        return
    assert verdict.outcome == "failed"
    assert verdict.message.startswith(begins)
    assert ("more crops would decide" in verdict.message) == begins.startswith("inconclusive")
