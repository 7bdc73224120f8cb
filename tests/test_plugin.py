"""The pytest plugin, on small projects of its own: options, reasons, failures, exit codes."""

from __future__ import annotations

import fnmatch
import hashlib
import importlib
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import inception_harness
from inception_harness.cards import built_in_cards
from tests import small_networks as small
from tests.inner_runs import INNER

ROOT = Path(__file__).resolve().parents[1]
RED, REVERSED = "tests.doubles:colours", "tests.doubles:colours_reversed"
PICTURES = {"red": (225, 15, 10), "blue": (10, 15, 225), "green": (10, 225, 15)}

# An inner run forgets what it imports. What is here already it need not import anew each time.
for _module in pkgutil.iter_modules(inception_harness.__path__):
    importlib.import_module(f"inception_harness.{_module.name}")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch, tmp_path):
    monkeypatch.setenv("INCEPTION_HARNESS_HOME", str(tmp_path / "store"))
    for name in ("PYTEST_ADDOPTS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def project(pytester):
    """Return a function that runs pytest on a project with the doubles and a picture set."""
    rows = []
    for role, colour in PICTURES.items():
        path = pytester.path / f"{role}.png"
        Image.new("RGB", (20, 20), colour).save(path)
        sha = hashlib.sha256(path.read_bytes()).hexdigest()
        rows.append(
            f'[pictures.{role}]\nfile = "{role}.png"\ncaption = "A {role} one."\nsha256 = "{sha}"\n'
        )
    pytester.makefile(".toml", set='name = "colours"\ntitle = "Three colours"\n' + "\n".join(rows))

    def run(source: str, *arguments: object, pictures: str | None = "set.toml") -> pytest.RunResult:
        pytester.makepyfile(test_it=source)
        return pytester.runpytest_inprocess(
            *INNER,
            *([f"--pictures={pictures}"] if pictures else []),
            *map(str, arguments),
        )

    return run


def told(result: pytest.RunResult) -> str:
    return "\n".join([*result.outlines, *result.errlines])


BEHAVIOUR = """
    def test_red_is_red(classify):
        assert classify("red").label == "red thing"
"""


# --- models -------------------------------------------------------------------------------------


def test_every_behaviour_runs_once_for_each_model(project):
    result = project(
        """
        import pytest

        @pytest.mark.minimum
        @pytest.mark.parametrize("picture", ["red", "blue"])
        def test_colour_is_named(classify, picture):
            assert classify(picture).label == f"{picture} thing"

        def test_sum(classify):
            assert abs(classify("green").total - 1) < 1e-6

        def test_of_no_model():
            pass
        """,
        f"--model={RED}",
        f"--model={REVERSED}",
        f"--model={RED}",  # twice the same is once
        "-v",
    )
    result.assert_outcomes(passed=5, failed=2)
    assert result.ret == 1
    result.stdout.fnmatch_lines_random(
        [
            f"test_it.py::test_colour_is_named[[]{RED}-red[]] PASSED*",
            f"test_it.py::test_colour_is_named[[]{RED}-blue[]] PASSED*",
            f"test_it.py::test_colour_is_named[[]{REVERSED}-red[]] FAILED*",
            f"test_it.py::test_sum[[]{RED}[]] PASSED*",
            f"test_it.py::test_sum[[]{REVERSED}[]] PASSED*",
            "test_it.py::test_of_no_model PASSED*",
        ]
    )


def test_each_model_is_loaded_once_and_each_picture_computed_once(project, pytester):
    """The whole set goes through the model in one batch; only another fit computes anew.

    Before all of them, one picture shows whether the model can score at all.
    """
    pytester.makepyfile(
        counting="""
        from tests.doubles import Colours

        made = []

        def colours():
            made.append(Colours())
            return made[-1]
        """
    )
    pytester.syspathinsert()
    result = project(
        """
        import counting

        def test_first(classify):
            assert classify("red").picture == "red"
            assert classify("red") is classify("red")

        def test_second(classify, classifier, pictures):
            assert classify("blue").label == "blue thing"
            assert list(classify.all()) == list(pictures) == ["red", "blue", "green"]
            assert len(counting.made) == 1
            assert counting.made[0].calls == [1, 3]

        def test_third(classify, classifier):
            classify("red", fit="crop")
            assert counting.made[0].calls == [1, 3, 3]
            assert classifier.name == "colours"

        def test_path(classify, pictures):
            assert classify(pictures["red"].path).picture == "red.png"
            assert counting.made[0].calls == [1, 3, 3, 1]
        """,
        "--model=counting:colours",
    )
    result.assert_outcomes(passed=4)


def test_ini_gives_the_defaults_and_options_win(project, pytester):
    pytester.makeini(
        f"[pytest]\nharness_model =\n    {RED}\n    {REVERSED}\nharness_pictures = set.toml\n"
    )
    result = project(BEHAVIOUR, pictures=None)
    result.assert_outcomes(passed=1, failed=1)
    result = project(BEHAVIOUR, f"--model={RED}", pictures=None)
    result.assert_outcomes(passed=1)


def test_the_header_names_what_is_tested(project, shared_store, monkeypatch):
    monkeypatch.setenv("INCEPTION_HARNESS_HOME", str(shared_store))
    name = "mobilenet-v1-0.25-128-quant"
    result = project(
        """
        def test_it(classifier):
            assert classifier.engine.threads == 1
        """,
        f"--model={name}",
        "--engine=litert:threads=1",
        "--no-known-failures",
    )
    result.assert_outcomes(passed=1)
    card = built_in_cards()[name].read_text()
    digest = card.split('sha256 = "')[1][:12]
    result.stdout.fnmatch_lines(
        [
            f"model: {name}: *",
            f"  sha256: {digest}…",
            "  engine: litert:threads=1 [0-9]*, 1 thread",
            "  decoder: *",
            "  pictures: colours: Three colours",
        ]
    )
    head = result.stdout.str().partition("model: ")[2].partition("test_it.py")[0]
    assert max(map(len, head.splitlines())) <= 80


# --- wrong options ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--model=mobilenet-v2-1.0-224",),
            "There is no model 'mobilenet-v2-1.0-224'. Near ones: mobilenet-v2-1.0-224-ptq, "
            "mobilenet-v2-1.0-224-quant, ",
        ),
        (("--model=none.toml",), "none.toml: there is no such card. Give the path of a TOML file"),
        (
            (f"--model={RED}", "--engine=tensorflw"),
            "There is no engine 'tensorflw'; the engines are tensorflow, litert, openvino, "
            "onnxruntime. Did you mean 'tensorflow'?",
        ),
        (
            ("--model=inception-v3-2015", "--engine=litert"),
            "--engine litert: inception-v3-2015 is of the format graphdef, which runs on "
            "tensorflow or openvino.",
        ),
        (
            (f"--model={RED}", "--pictures=phtos"),
            "There is no picture set 'phtos'. Give one of ",
        ),
        (
            ("--model=no_such_module:model",),
            "--model no_such_module:model: cannot import 'no_such_module': No module named "
            "'no_such_module'. Is it installed, in the current folder, or its folder on "
            "PYTHONPATH?",
        ),
        (
            ("--model=tests.doubles:failing",),
            "--model tests.doubles:failing: the factory failed: FileNotFoundError: no weights "
            "here.",
        ),
        (
            (f"--model={RED}", "--engine=litert"),
            f"--engine litert cannot be used with --model {RED}: a model made by a factory "
            "computes by itself.",
        ),
    ],
)
def test_a_wrong_option_is_told_and_nothing_runs(project, arguments, message):
    result = project(BEHAVIOUR, *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR == 4
    assert message in told(result)
    assert "Traceback" not in told(result)
    assert "INTERNALERROR" not in told(result)
    assert "passed" not in told(result)


def test_a_wrong_default_is_told_like_a_wrong_option(project, pytester):
    pytester.makeini("[pytest]\nharness_model = mobilenet\n")
    result = project(BEHAVIOUR)
    assert result.ret == 4
    assert "There is no model 'mobilenet'. Near ones: " in told(result)
    assert "Traceback" not in told(result)


def test_a_card_that_is_wrong_is_told_with_its_line(project, pytester):
    pytester.makefile(".toml", card='name = "x"\ntitel = "y"\n')
    result = project(BEHAVIOUR, "--model=card.toml")
    assert result.ret == 4
    assert "card.toml, line 2: unknown key 'titel'. Did you mean 'title'?" in told(result)


# --- files that are not there -------------------------------------------------------------------


@pytest.fixture
def without_weights(pytester, tmp_path):
    """A card whose file nobody serves: a port of loopback that nothing listens on."""
    text = built_in_cards()["mobilenet-v1-0.25-128-quant"].read_text()
    lines = [
        f'url = "http://127.0.0.1:9/{n}"' if line.startswith("url = ") else line
        for n, line in enumerate(text.splitlines())
    ]
    pytester.makefile(".toml", card="\n".join(lines).replace("quant", "absent", 1))
    return "card.toml"


def test_missing_weights_are_an_error_and_never_a_skip(project, without_weights):
    result = project(BEHAVIOUR, f"--model={without_weights}")
    assert result.ret == 4
    assert "mobilenet-v1-0.25-128-absent: " in told(result)
    assert "http://127.0.0.1:9/" in told(result)
    assert "skipped" not in told(result)
    assert "Traceback" not in told(result)


def test_collecting_needs_no_weights(project, without_weights, tmp_path):
    result = project(BEHAVIOUR, f"--model={without_weights}", "--collect-only", "-q")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["test_it.py::test_red_is_red[[]mobilenet-v1-0.25-128-absent[]]"])
    assert not (tmp_path / "store").exists()


def test_a_run_without_behaviours_needs_no_weights(project, without_weights):
    result = project("def test_other():\n    pass\n", f"--model={without_weights}")
    result.assert_outcomes(passed=1)


# --- not applicable -----------------------------------------------------------------------------

APPLICABLE = """
    import pytest

    @pytest.mark.speaks_of("red thing")
    def test_one_that_applies(classify):
        assert classify("red").label == "red thing"

    @pytest.mark.speaks_of("red thing", "macaw", "toucan")
    def test_of_birds(classify):
        raise AssertionError("it ran")

    @pytest.mark.shows("red", "parrot")
    def test_of_a_parrot(classify):
        raise AssertionError("it ran")

    @pytest.mark.only_for("inception-v3-2015")
    def test_of_the_tutorial(classify):
        raise AssertionError("it ran")

    @pytest.mark.quirk(only=["mobilenet"])
    def test_of_a_quirk(classify):
        raise AssertionError("it ran")
"""
REASONS = [
    "not applicable: colours has no class 'macaw' or 'toucan'",
    "not applicable: the picture set colours has no 'parrot'",
    "not applicable: it is about inception-v3-2015",
    "not applicable: it is about mobilenet",
]


def test_what_does_not_apply_is_left_out_with_its_reason(project):
    result = project(APPLICABLE, f"--model={RED}", "-rs")
    result.assert_outcomes(passed=1, skipped=4)
    assert result.ret == 0
    for reason in REASONS:
        result.stdout.fnmatch_lines([f"SKIPPED * {reason}"])


def test_a_run_in_which_nothing_applies_fails(project):
    """All skipped looks green to a machine; it is no statement about the model."""
    result = project(APPLICABLE, f"--model={RED}", "-k", "not applies")
    result.assert_outcomes(skipped=4)
    assert result.ret == 1
    assert f"No behaviour was judged on {RED}: all were left out as not applicable." in told(result)


# --- failures in plain words --------------------------------------------------------------------

TABLE = (
    "E          90.00% : red thing\n"
    "E           6.00% : green thing\n"
    "E           4.00% : blue thing\n"
)


CLAIMS = [
    (
        'said["red thing"] > 0.95',
        "red: red thing scored 90.0 %, should be > 95.0 % (short by 5.0 points)",
    ),
    (
        '0.95 < said["red thing"]',
        "red: red thing scored 90.0 %, should be > 95.0 % (short by 5.0 points)",
    ),
    (
        'said["blue thing"] <= 0.01',
        "red: blue thing scored 4.0 %, should be <= 1.0 % (over by 3.0 points)",
    ),
    (
        '0.01 >= said["blue thing"]',
        "red: blue thing scored 4.0 %, should be <= 1.0 % (over by 3.0 points)",
    ),
    (
        'said["green thing"] + said["blue thing"] >= 0.5',
        "red: green thing + blue thing scored 10.0 %, should be >= 50.0 % (short by 40.0 points)",
    ),
    (
        'said.label == "blue thing"',
        "red: the top class is red thing (90.0 %), should be blue thing, which is at rank 3 "
        "with 4.0 %",
    ),
    (
        '"blue thing" == said.label',
        "red: the top class is red thing (90.0 %), should be blue thing, which is at rank 3 "
        "with 4.0 %",
    ),
    (
        'said.label != "red thing"',
        "red: the top class is red thing (90.0 %), should be anything but red thing",
    ),
    (
        'said.label in ("green thing", "blue thing")',
        "red: the top class is red thing (90.0 %), should be one of green thing, blue thing",
    ),
]


def test_a_plain_assert_says_what_was_got_and_what_it_should_be(project):
    source = "".join(
        f"""
        def test_claim_{n}(classify):
            said = classify("red")
            assert {claim}
        """
        for n, (claim, _) in enumerate(CLAIMS)
    )
    result = project(source, f"--model={RED}")
    result.assert_outcomes(failed=len(CLAIMS))
    for n, (_, line) in enumerate(CLAIMS):
        failure = told(result).split(f"_ test_claim_{n}[{RED}] _")[1].split("test_it.py:")[0]
        assert f"E       assert {line}  [colours, own]\n{TABLE}" in failure


def test_a_role_that_is_unknown_is_an_error_with_the_near_ones(project):
    result = project(
        """
        def test_typo(classify):
            classify("reed")
        """,
        f"--model={RED}",
    )
    result.assert_outcomes(failed=1)
    assert "The picture set 'colours' has no role 'reed'. Near ones: red, green." in told(result)


def test_a_class_that_is_unknown_is_an_error_with_the_near_ones(project):
    result = project(
        """
        def test_typo(classify):
            assert classify("red")["red thin"] > 0.5
        """,
        f"--model={RED}",
    )
    result.assert_outcomes(failed=1)
    assert "There is no class 'red thin' among the model's 3 names. Near ones: 'red thing'" in told(
        result
    )


# --- markers, benchmarks, the suite itself ------------------------------------------------------


def test_markers_are_known_to_strict_runs(project):
    result = project(
        """
        import pytest

        @pytest.mark.minimum
        @pytest.mark.invariance
        @pytest.mark.direction
        @pytest.mark.contract
        @pytest.mark.quirk
        @pytest.mark.speaks_of("red thing")
        @pytest.mark.shows("red")
        def test_marked(classify):
            assert classify("red")
        """,
        f"--model={RED}",
        "--strict-markers",
        "-W",
        "error",
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
    )
    result.assert_outcomes(passed=1)


def test_throughput_is_left_out_unless_it_is_asked_for(project):
    source = """
        import pytest

        @pytest.mark.throughput
        def test_speed(benchmark, classifier, pictures):
            benchmark.pedantic(lambda: classifier.classify(pictures["red"].path), rounds=1)

        def test_red(classify):
            assert classify("red").label == "red thing"
    """
    result = project(source, f"--model={RED}")
    result.assert_outcomes(passed=1, deselected=1)
    # A process of its own: pytest-benchmark reports through the outer run's configuration.
    done = pytest_on(Path.cwd(), f"--model={RED}", "--pictures=set.toml", "--benchmark-only")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def pytest_on(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run pytest on a folder in a process of its own, with the harness's plugin."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "inception_harness.plugin", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )


BROKEN = """
import numpy as np
from tests.doubles import Colours

class Few(Colours):
    labels = ("red thing", "blue thing")

class Flat(Colours):
    def scores(self, batch):
        return super().scores(batch)[0]

class Nothing(Colours):
    def scores(self, batch):
        return None

class Raises(Colours):
    def scores(self, batch):
        raise KeyError("layer 7")

class Logits(Colours):
    def scores(self, batch):
        return super().scores(batch) * 20 - 5
"""


@pytest.mark.parametrize(
    ("factory", "told"),
    [
        ("Few", "*broken:Few: *the shape (1, 3) for 1 pictures; with 2 labels, (1, 2) was*"),
        ("Flat", "*broken:Flat: *the shape (3,) for 1 pictures*"),
        ("Nothing", "*broken:Nothing: *the shape () for 1 pictures*"),
        ("Raises", "*broken:Raises: scores(batch) failed *: KeyError: 'layer 7' (*broken.py:*)."),
    ],
)
def test_a_model_that_cannot_score_is_told_once_and_nothing_is_run(
    project, pytester, monkeypatch, factory, told
):
    pytester.makepyfile(broken=BROKEN)
    monkeypatch.syspath_prepend(pytester.path)
    result = project("def test_it(classify): classify.all()", f"--model=broken:{factory}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    lines = result.stdout.str().splitlines() + result.stderr.str().splitlines()
    assert any(fnmatch.fnmatch(line, told) for line in lines), lines
    assert "Nothing was run." in lines
    assert len(lines) < 20


def test_scores_that_are_no_probabilities_are_told_at_the_top(project, pytester, monkeypatch):
    pytester.makepyfile(broken=BROKEN)
    monkeypatch.syspath_prepend(pytester.path)
    result = project("def test_it(classify): pass", "--model=broken:Logits")
    result.stdout.fnmatch_lines(
        ["  scores: -4.* to * for red, and not within 0 to 1; scores(batch) should return*"]
    )


def test_a_module_in_the_current_folder_is_found(project, pytester, monkeypatch):
    """Plain `pytest` has only the folders of the tests on its path."""
    pytester.makepyfile(found_here=BROKEN)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", ".")])
    result = project("def test_it(classify): pass", "--model=found_here:Colours")
    result.assert_outcomes(passed=1)


@pytest.mark.heavy
def test_the_header_tells_how_the_model_was_loaded(tmp_path):
    """In a process of its own, as TensorFlow cannot be imported twice."""
    (tmp_path / "test_it.py").write_text("def test_it(classifier): pass")
    done = pytest_on(tmp_path, "--model=miniature")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\n  loaded: graph folded: " in done.stdout
    assert "I0000" not in done.stdout + done.stderr
    done = pytest_on(tmp_path, "--model=miniature", "--collect-only")
    assert "model: miniature" in done.stdout
    assert "loaded:" not in done.stdout


@pytest.mark.heavy
def test_a_model_that_cannot_be_loaded_is_told_once_and_nothing_is_run(tmp_path):
    small.write_card(tmp_path, "tflite", "bad.tflite")
    (tmp_path / "bad.tflite").write_bytes(b"no model")
    (tmp_path / "test_it.py").write_text("def test_it(classifier): pass")
    done = pytest_on(tmp_path, "--model=bad-tflite.toml", "--pictures=drawings")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    told = done.stdout + done.stderr
    assert "bad.tflite: " in told
    assert "Nothing was run." in told
    assert "Traceback" not in told
    assert len(told.splitlines()) < 20


GREEN, BAD = "mobilenet-v2-1.0-224-quant", "mobilenet-v1-0.25-128-quant"
BASICS = ("test_panda.py", "test_parrot.py", "test_portrait.py", "test_scores.py")


@pytest.fixture(scope="module")
def basics(tmp_path_factory) -> Path:
    """The behaviours of the tutorial's page, apart from the repository's own settings."""
    folder = tmp_path_factory.mktemp("basics")
    for name in ("conftest.py", *BASICS):
        shutil.copy(ROOT / "behaviour_tests" / name, folder / name)
    return folder


def test_the_suite_is_green_on_the_good_mobilenet(basics, shared_store, monkeypatch):
    monkeypatch.setenv("INCEPTION_HARNESS_HOME", str(shared_store))
    done = pytest_on(basics, f"--model={GREEN}")
    assert done.returncode == 0, done.stdout
    assert "failed" not in done.stdout


def test_the_suite_fails_on_the_bad_one_and_says_why(basics, shared_store, monkeypatch):
    monkeypatch.setenv("INCEPTION_HARNESS_HOME", str(shared_store))
    done = pytest_on(basics, f"--model={BAD}", "--no-known-failures")
    assert done.returncode == 1
    assert re.search(
        r"parrot: macaw scored \d\d\.\d %, should be > 80\.0 % \(short by \d\d\.\d points\)  "
        rf"\[{re.escape(BAD)}, litert\]\nE +\d\d\.\d\d% : macaw\n",
        done.stdout,
    )
