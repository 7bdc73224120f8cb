"""Runs held against what was written down: known failures, records, baselines; with reports."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

from inception_harness.files import sha256_of

REPOSITORY = Path(__file__).resolve().parents[1]
COLOURS = {"red": (230, 20, 10), "green": (10, 220, 40), "dull": (120, 110, 100)}

BEHAVIOURS = '''
import pytest

@pytest.mark.minimum
@pytest.mark.parametrize("picture", ["red", "green"])
def test_colour_is_seen(classify, picture):
    """A picture of one colour is that colour."""
    assert classify(picture)[f"{picture} thing"] > 0.80

@pytest.mark.minimum
@pytest.mark.quirk
def test_dull_is_red(classify):
    """What is nearly grey is a little more red than anything else."""
    assert classify("dull").label == "red thing"

@pytest.mark.record
def test_record(own_record):
    if own_record.written:
        pytest.fail("written", pytrace=False)
    if own_record.kept is None:
        pytest.skip("not applicable: no record")
    assert not own_record.differences(), "\\n".join(d.text for d in own_record.differences())
'''


@pytest.fixture
def workspace(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A user's repository: a picture set, behaviours, and the double `colours` as the model."""
    monkeypatch.syspath_prepend(str(REPOSITORY))
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    lines = ['name = "colours"', 'title = "Three colours"', 'licence = "MIT"']
    for role, colour in COLOURS.items():
        path = pytester.path / f"{role}.png"
        Image.new("RGB", (8, 4), colour).save(path)
        lines += [f"[pictures.{role}]", f'file = "{role}.png"', f'caption = "All {role}."']
        lines += [f'sha256 = "{sha256_of(path)}"']
        if role != "dull":
            lines.append(f'expected = "{role} thing"')
    (pytester.path / "colours.toml").write_text("\n".join(lines))
    pytester.makeconftest('pytest_plugins = ["inception_harness.plugin"]')
    pytester.makepyfile(test_colours=BEHAVIOURS)
    pytester.makeini(
        "[pytest]\nharness_pictures = colours.toml\nharness_model = tests.doubles:colours\n"
        "addopts = -p no:cacheprovider --strict-markers\nxfail_strict = true\n"
    )
    return pytester


def known(workspace: pytest.Pytester, test: str) -> Path:
    folder = workspace.path / "known_failures"
    folder.mkdir(exist_ok=True)
    path = folder / "tests.doubles.colours.toml"
    path.write_text(
        f'model = "tests.doubles.colours"\n\n[[known_failure]]\ntest = "{test}"\n'
        'reason = "The lamp of the camera was broken on that day."\n'
        'seen = "red thing 12 %, asked for 80 %"\nsince = "2026-11-23"\n'
    )
    return path


def test_run_without_references_is_green(workspace: pytest.Pytester) -> None:
    result = workspace.runpytest_inprocess()
    result.assert_outcomes(passed=3, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "tests.doubles:colours: 3 of 3 behaviours hold, 1 not applicable.",
            "  not applicable, no record: Record",
        ]
    )


def test_known_failure_that_holds_fails_the_run(workspace: pytest.Pytester) -> None:
    path = known(workspace, "test_colours.py::test_colour_is_seen[red]")
    result = workspace.runpytest_inprocess()
    result.assert_outcomes(passed=2, failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [
            f"this failure is gone: remove the entry. {path}, line 3: "
            "test_colours.py::test_colour_is_seen[[]red[]] holds on tests.doubles.colours now. "
            "It was listed because: The lamp of the camera was broken on that day."
        ]
    )


def test_known_failure_that_fails_is_green_and_told(workspace: pytest.Pytester) -> None:
    known(workspace, "test_colours.py::test_colour_is_seen[red]")
    result = workspace.runpytest_inprocess("--model", "tests.doubles:colours_reversed")
    assert result.ret == 1  # the list is of the other model, and is not applied to this one
    source = workspace.path / "known_failures" / "tests.doubles.colours.toml"
    text = source.read_text().replace("doubles.colours", "doubles.colours_reversed")
    source.with_name("tests.doubles.colours_reversed.toml").write_text(text)
    result = workspace.runpytest_inprocess(
        "--model",
        "tests.doubles:colours_reversed",
        "--deselect",
        "test_colours.py::test_dull_is_red",
    )
    result.assert_outcomes(passed=1, xfailed=1, skipped=1, deselected=1)
    result.stdout.fnmatch_lines(["*1 of 2 behaviours hold, 1 known failure, 1 not applicable."])
    bare = workspace.runpytest_inprocess(
        "--model", "tests.doubles:colours_reversed", "--no-known-failures", "-k", "red]"
    )
    bare.assert_outcomes(failed=1, deselected=3)


def test_known_failure_of_no_test_is_an_error(workspace: pytest.Pytester) -> None:
    path = known(workspace, "test_colours.py::test_colour_is_sen[red]")
    result = workspace.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            f"ERROR: {path}, line 3: 'test_colours.py::test_colour_is_sen[[]red[]]' matches no "
            "test. Near ones: test_colours.py::test_colour_is_seen[[]red[]], *"
        ]
    )


def test_known_failures_of_tests_not_asked_for_are_not_judged(workspace: pytest.Pytester) -> None:
    known(workspace, "test_colours.py::test_colour_is_seen[red]")
    one = workspace.runpytest_inprocess("test_colours.py::test_dull_is_red")
    one.assert_outcomes(passed=1)
    assert one.ret == 0


def test_error_is_not_excused_by_a_known_failure(workspace: pytest.Pytester) -> None:
    workspace.makepyfile(
        test_colours="def test_broken(classify):\n    classify('red')['no such thing']\n"
    )
    known(workspace, "test_colours.py::test_broken")
    result = workspace.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*There is no class 'no such thing'*"])


def test_life_of_a_record(workspace: pytest.Pytester) -> None:
    """Missing, written, compared, changed, rewritten."""
    path = workspace.path / "records" / "tests.doubles.colours.csv"
    workspace.runpytest_inprocess("-k", "record").assert_outcomes(skipped=1, deselected=3)

    written = workspace.runpytest_inprocess("--record-scores")
    written.assert_outcomes(passed=3, failed=1)
    assert path.is_file()
    workspace.runpytest_inprocess().assert_outcomes(passed=4)

    kept = path.read_text()
    score = re.search(r"^red,1,0,,red thing,(\S+)$", kept, re.MULTILINE)
    assert score, kept
    path.write_text(kept.replace(score[1], f"{float(score[1]) - 0.01:.6f}"))
    changed = workspace.runpytest_inprocess()
    changed.assert_outcomes(passed=3, failed=1)
    changed.stdout.fnmatch_lines(["*red: 1 score moved by more than 0.001 points*"])
    changed.stdout.fnmatch_lines(["*moved with them: nothing that the record knows of*"])

    workspace.runpytest_inprocess("--record-scores").assert_outcomes(passed=3, failed=1)
    assert path.read_text() == kept


def test_recording_without_the_record_test_is_an_error(workspace: pytest.Pytester) -> None:
    workspace.makepyfile(test_colours="def test_one(classify):\n    assert classify('red')\n")
    result = workspace.runpytest_inprocess("--record-scores")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --record-scores: the behaviour that writes records*"])


def test_damaged_record_is_told_by_line(workspace: pytest.Pytester) -> None:
    workspace.runpytest_inprocess("--record-scores")
    path = workspace.path / "records" / "tests.doubles.colours.csv"
    path.write_text(path.read_text().replace("# top: ", "# tip: "))
    result = workspace.runpytest_inprocess("-k", "record")
    result.assert_outcomes(errors=1, deselected=3)
    result.stdout.fnmatch_lines([f"*{path}, line *: unknown key 'tip' in the head.*"])


BASELINE = """
import pytest

@pytest.mark.baseline
def test_nothing_right_becomes_wrong(against_baseline):
    assert not against_baseline.refused, "\\n".join(f.text for f in against_baseline.refused)
"""


def test_baseline_live_and_from_its_record(workspace: pytest.Pytester) -> None:
    workspace.makepyfile(test_against=BASELINE)
    none = workspace.runpytest_inprocess("test_against.py", "test_colours.py", "-k", "not record")
    none.assert_outcomes(passed=3, deselected=2)
    workspace.runpytest_inprocess("--record-scores")
    record = workspace.path / "records" / "tests.doubles.colours.csv"
    for baseline in ("tests.doubles:colours", str(record)):
        same = workspace.runpytest_inprocess("test_against.py", "--baseline", baseline)
        same.assert_outcomes(passed=1)
        worse = workspace.runpytest_inprocess(
            "test_against.py", "--baseline", baseline, "--model", "tests.doubles:colours_reversed"
        )
        worse.assert_outcomes(failed=1)
        worse.stdout.fnmatch_lines(
            ["*red: right before, wrong now: blue thing instead of red thing.*"]
        )


def test_accepted_flips_need_a_baseline(workspace: pytest.Pytester) -> None:
    result = workspace.runpytest_inprocess("--accepted-flips", "flips.toml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--accepted-flips goes with --baseline: accepted against what?"])


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_report_and_junit_tell_the_same_of_all_workers(
    workspace: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    result = workspace.runpytest_inprocess(
        *workers,
        *("--model", "tests.doubles:colours", "--model", "tests.doubles:colours_reversed"),
        *("--behaviour-report", "report.html", "--junitxml", "junit.xml"),
    )
    result.assert_outcomes(passed=4, failed=2, skipped=2)
    page = (workspace.path / "report.html").read_text()
    for key in ("tests.doubles:colours", "tests.doubles:colours_reversed"):
        assert key in page
    assert page.count("test_colours.py::test_colour_is_seen[red]") >= 1
    cases = ET.parse(workspace.path / "junit.xml").iter("testcase")
    found = {
        case.attrib["name"]: {p.attrib["name"]: p.attrib["value"] for p in case.iter("property")}
        for case in cases
    }
    told = found["test_colour_is_seen[tests.doubles:colours_reversed-red]"]
    assert told["model"] == "tests.doubles:colours_reversed"
    assert told["pictures"] == "red"
    # red scores blue's share of (230, 20, 10): 10 of 260, and 0.80 was asked for
    assert float(told["margin"]) == pytest.approx(10 / 260 - 0.80, abs=1e-4)


def test_step_summary_is_appended(
    workspace: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = workspace.path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    workspace.runpytest_inprocess()
    text = summary.read_text()
    assert text.startswith("before\n")
    assert "tests.doubles:colours" in text
    assert json.dumps("|")[1:-1] in text  # a table
