"""A run of faults, and of the model as it is: rows, options, exit codes, files that are written."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace

import pytest

from inception_harness import cli, fault_alarms, faults
from inception_harness.engines import EngineSpec
from inception_harness.errors import EngineError
from inception_harness.fault_alarms import HonestRun, HonestRuns, settings_of_runs
from inception_harness.fault_bench import Fault
from inception_harness.fault_results import Caught, FaultResult, FaultRun, markdown_table
from inception_harness.faults import FAULTS, on_the_bench, run_faults
from inception_harness.judging import Judgement
from inception_harness.results import Verdict

BY_NAME = {fault.name: fault for fault in FAULTS}


@pytest.fixture(scope="module")
def bench():
    with on_the_bench("miniature") as opened:
        yield opened


@pytest.fixture
def judged(bench, monkeypatch):
    """Note which half judged which model; each damaged one fails one test of each half."""
    calls = []

    def judge(models, subject, classifier, arguments):
        half = "quick" if any(a.startswith("not (") for a in arguments) else "thorough"
        calls.append((half, classifier is bench.honest))
        outcome = "passed" if classifier is bench.honest else "failed"
        return Judgement([Verdict(f"test_{half}.py::test_it", "T", "", "minimum", "m", outcome)])

    monkeypatch.setattr(faults, "judge", judge)
    return calls


def broken(bench):
    raise EngineError("this engine cannot\nread the file")


BROKEN = Fault("broken", "a broken | file", broken)
SWAPPED = BY_NAME["red-and-blue-swapped"]


def test_fault_that_cannot_be_made_is_a_row_and_the_run_goes_on(bench, judged):
    told = []
    run = run_faults(bench, (BROKEN, SWAPPED), told.append)
    assert told == list(run.results)
    first, second = run.results
    assert first.problem == "could not be made: this engine cannot\nread the file"
    assert not first.survived
    assert not first.caught
    assert second.caught
    assert ": 1 of 2 faults caught, 1 of them without stored scores; not judged: broken. " in (
        run.summary
    )
    row = markdown_table(run).splitlines()[2]
    assert "| **not judged** |" in row
    assert row.endswith("could not be made: this engine cannot read the file |")


def test_whole_suite_judges_each_fault(bench, judged):
    (result,) = run_faults(bench, (SWAPPED,)).results
    assert [half for half, honest in judged if not honest] == ["quick", "thorough"]
    assert [c.test for c in result.caught] == [
        "test_quick.py::test_it",
        "test_thorough.py::test_it",
    ]


def test_quick_run_asks_the_thorough_half_about_what_the_other_misses(bench, judged):
    run_faults(bench, (SWAPPED,), quick=True)
    assert [half for half, honest in judged if not honest] == ["quick"]


@pytest.mark.parametrize("name", ["scaled-twice", "exif-ignored", "decoded-small"])
def test_faults_that_are_not_about_speed_are_not_timed(bench, judged, monkeypatch, name):
    monkeypatch.setattr(faults, "slower_by", lambda *_: 9.0)
    (result,) = run_faults(bench, (BY_NAME[name],)).results
    assert "throughput" not in result.parts


def test_half_the_speed_alone_is_timed(bench, judged, monkeypatch):
    assert [fault.name for fault in FAULTS if fault.about_speed] == ["half-the-speed"]
    monkeypatch.setattr(faults, "slower_by", lambda *_: 1.9)
    (result,) = run_faults(bench, (BY_NAME["half-the-speed"],)).results
    assert [c.margin for c in result.caught if c.part == "throughput"] == [pytest.approx(-0.4)]


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (FaultResult("a", "a", caught=(Caught("t", "T", "behaviours", "failed"),)), 0),
        (FaultResult("a", "a", reason="there is none"), 0),
        (FaultResult("a", "a"), 1),
        (FaultResult("a", "a", problem="could not be made: no"), 1),
    ],
)
def test_exit_code_tells_what_is_not_proven(monkeypatch, capsys, result, code):
    monkeypatch.setattr(faults, "on_the_bench", lambda *_: nullcontext())
    run = FaultRun("m", "tensorflow", 9, (result,), 1.0)
    monkeypatch.setattr(faults, "run_faults", lambda *_, **__: run)
    assert cli.main(["faults", "--model", "m"]) == code


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "--model is missing"),
        (["--model", "miniature", "--honest", "0"], "a whole number from 1, found '0'"),
        (["--model", "miniature", "--honest", "-3"], "a whole number from 1, found '-3'"),
        (["--model", "miniature", "--honest", "2", "--only", "nearest"], "--only names faults"),
    ],
)
def test_wrong_options_are_refused(capsys, options, said):
    with pytest.raises(SystemExit) as caught:
        cli.main(["faults", *options])
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--json", "--markdown"])
@pytest.mark.parametrize("more", [[], ["--honest", "1"]])
def test_file_that_cannot_be_written_is_refused_before_the_run(
    tmp_path, monkeypatch, capsys, option, more
):
    def ran(*_, **__):
        raise AssertionError("the run began")

    monkeypatch.setattr(faults, "on_the_bench", ran)
    monkeypatch.setattr(fault_alarms, "honest_runs", ran)
    missing = tmp_path / "missing" / "file"
    for path, problem in ((tmp_path, "that is a folder"), (missing, "there is no folder")):
        assert cli.main(["faults", "--model", "miniature", option, str(path), *more]) == 3
        assert f"{option} {path}: {problem}" in capsys.readouterr().err


def test_runs_of_the_honest_model_differ():
    runs = settings_of_runs(20, EngineSpec("openvino", precision="bf16"))
    assert [seed for seed, _ in runs] == list(range(1, 21))
    assert str(runs[0][1]) == "openvino:bf16,threads=1"
    assert {engine.precision for _, engine in runs} == {"bf16"}
    assert {(e.threads, e.batch) for _, e in runs} == {
        (threads, batch) for threads in (1, 2) for batch in (None, 1, 3, 8)
    }


def test_what_the_engine_names_is_not_varied():
    asked = EngineSpec.parse("tensorflow:threads=2,original")
    runs = settings_of_runs(8, asked)
    assert {replace(engine, batch=None) for _, engine in runs} == {asked}
    assert {engine.batch for _, engine in runs} == {None, 1, 3, 8}


@pytest.fixture
def once(monkeypatch):
    """Judge nothing; the second run raises an alarm."""
    asked = []

    def judged_once(spec, seed, engine, store, options):
        asked.append(options)
        return HonestRun(seed, str(engine), 90, ("test_a.py::test_a",) if seed == 2 else ())

    monkeypatch.setattr(fault_alarms, "_judged_once", judged_once)
    return asked


def test_honest_runs_take_the_engine_and_write_files(once, tmp_path, capsys):
    data, page = tmp_path / "h.json", tmp_path / "h.md"
    code = cli.main(
        ["faults", "--model", "miniature", "--engine", "openvino:bf16", "--honest", "2",
         "--json", str(data), "--markdown", str(page)]
    )  # fmt: skip
    assert code == 1
    told = capsys.readouterr().out.splitlines()
    assert told == [
        "seed 1, openvino:bf16,threads=1: 0 alarms of 90 verdicts",
        "seed 2, openvino:bf16,threads=2: 1 alarms of 90 verdicts",
        "  ✗ test_a.py::test_a: 1 of 2 runs",
        "miniature: 2 runs of the model as it is, 1 false alarms.",
    ]
    assert HonestRuns.from_json(data.read_text()).alarms == {"test_a.py::test_a": 1}
    assert json.loads(data.read_text())["half"] == "whole"
    assert page.read_text().splitlines()[-2:] == [
        "| 1 | openvino:bf16,threads=1 | 90 | none |",
        "| 2 | openvino:bf16,threads=2 | 90 | `test_a.py::test_a` |",
    ]
    assert not any("-k" in options for options in once)


def test_honest_quick_runs_leave_out_the_thorough_half(once, capsys):
    assert cli.main(["faults", "--model", "miniature", "--honest", "1", "--quick"]) == 0
    assert any(option.startswith("not (") for option in once[0])


def test_honest_runs_refuse_an_engine_that_cannot_run_the_model(once, capsys):
    command = ["faults", "--model", "miniature", "--engine", "litert", "--honest", "1"]
    assert cli.main(command) == 3
    assert "runs on tensorflow or openvino" in capsys.readouterr().err
    assert not once
