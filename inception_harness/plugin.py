"""The pytest plugin: options, fixtures, markers, header, and failures in plain words.

It is thin and starts quickly: models and runtimes are loaded when a test first needs them.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from inception_harness.errors import HarnessError, StoreError

if TYPE_CHECKING:
    from inception_harness.baselines import Baseline

__all__ = [
    "against_baseline",
    "base_id",
    "classifier",
    "classify",
    "curves",
    "dataset",
    "found_folder",
    "harness_subject",
    "own_record",
    "pictures",
    "stimulus_lock",
]

DEFAULT_MODEL = "miniature"
_MARKERS = (
    "minimum: the model must be able to do this.",
    "invariance: this must not change what the model says.",
    "direction: this must change what the model says in a known direction.",
    "record: the scores are those of the model's own record.",
    "baseline: the model against the one in service.",
    "parity: the model on one engine against itself on the first engine of the run.",
    "contract: what any classifier's output must be.",
    "quirk(only=[...]): a surprising thing that the model does, asserted positively; with "
    "`only`, of the models named.",
    "speaks_of(*labels): the behaviour speaks of these classes; not applicable to a model that "
    "has not all of them.",
    "shows(*roles): the behaviour looks at these pictures of the set; not applicable to a set "
    "that has not all of them.",
    "throughput: a benchmark; left out unless --benchmark-enable or --benchmark-only is given.",
    "dataset: a measurement on a data set of the store; left out unless --with-datasets is given.",
    "only_for(*models): the behaviour is about these models alone.",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the harness's options, each with its ini default."""
    group = parser.getgroup("inception-harness", "behaviour of image classifiers")
    group.addoption(
        "--model",
        action="append",
        default=[],
        metavar="SPEC",
        help="the model to test: a built-in name (see `inception-harness models`), the path of "
        "a card, or package.module:factory. May be given several times.",
    )
    group.addoption(
        "--engine",
        action="append",
        default=[],
        metavar="NAME[:OPTIONS]",
        help="what computes: tensorflow, litert, openvino or onnxruntime, with options such as "
        "openvino:bf16 or litert:threads=1. May be given several times.",
    )
    group.addoption(
        "--pictures",
        default=None,
        metavar="SET",
        help="the picture set to test on: a built-in name (see `inception-harness pictures`) or "
        "the path of a set's TOML file. Default: the one that the model's card names.",
    )
    group.addoption(
        "--behaviour-report",
        type=Path,
        default=None,
        metavar="FILE",
        help="write what the run found to one self-contained HTML file.",
    )
    group.addoption(
        "--baseline",
        default=None,
        metavar="SPEC_OR_RECORD",
        help="the version in service, to hold the models against: a spec as after --model, or a "
        "record (a .csv file).",
    )
    group.addoption(
        "--accepted-flips",
        type=Path,
        default=None,
        metavar="FILE",
        help="a TOML list of what the candidate may do worse than the baseline, with reasons.",
    )
    group.addoption(
        "--record-scores",
        action="store_true",
        help="write what the models say of each picture to <harness_records>/<model>.csv; the "
        "run fails all the same, for a review of what changed.",
    )
    group.addoption(
        "--no-known-failures",
        action="store_true",
        help="run bare: a behaviour that the model is known not to have fails like any other.",
    )
    group.addoption(
        "--with-datasets",
        action="store_true",
        help="also measure on the labelled data sets that are in the store: slower.",
    )
    parser.addini("harness_model", "default of --model, one a line", "linelist", default=[])
    parser.addini("harness_engine", "default of --engine, one a line", "linelist", default=[])
    parser.addini("harness_pictures", "default of --pictures", default="")
    parser.addini(
        "harness_known_failures",
        "folder of the lists of known failures (known_failures)",
        "string",
        default="known_failures",
    )
    parser.addini("harness_baseline", "default of --baseline", default="")
    parser.addini("harness_accepted_flips", "default of --accepted-flips", default="")
    parser.addini("harness_records", "folder of records (records)", "string", default="records")


class _Run:
    """What the plugin knows of a run; kept in the config's stash."""

    def __init__(self, config: pytest.Config) -> None:
        from inception_harness.pictures import find_picture_set
        from inception_harness.session import Models, subjects_of
        from inception_harness.store import Store

        stated = [_from_root(config, spec) for spec in config.getini("harness_model")]
        specs = config.getoption("model") or stated or [DEFAULT_MODEL]
        engines = config.getoption("engine") or config.getini("harness_engine")
        self.subjects = subjects_of(list(dict.fromkeys(specs)), list(dict.fromkeys(engines)))
        own_set = _from_root(config, config.getini("harness_pictures"))
        pictures = config.getoption("pictures") or own_set or None
        self.baseline = _baseline_of(config)
        # A run inside another program brings its own models: see `inception_harness.judging`.
        brought = config.pluginmanager.get_plugin(BROUGHT)
        self.models: Models = brought.models if brought else Models(Store(), pictures)
        if pictures:
            find_picture_set(pictures, self.models.store)  # a wrong name is told before any work

    def reference_of(self, subject: Any) -> Any:
        """Return the same model on the first engine of the run, or None where that is itself."""
        first = next(each for each in self.subjects if each.spec == subject.spec)
        return None if first is subject else first


def _from_root(config: pytest.Config, value: str) -> str:
    """Return what an ini key says; a path is relative to the file that has the key."""
    path = config.rootpath / value
    return str(path) if value and path.is_file() else value


def _baseline_of(config: pytest.Config) -> Baseline | None:
    spec = config.getoption("baseline") or _from_root(config, config.getini("harness_baseline"))
    accepted = config.getoption("accepted_flips")
    if accepted is None and config.getini("harness_accepted_flips"):
        accepted = config.rootpath / config.getini("harness_accepted_flips")
    if not spec:
        if config.getoption("accepted_flips"):
            raise pytest.UsageError("--accepted-flips goes with --baseline: accepted against what?")
        return None
    from inception_harness.baselines import Baseline

    return Baseline(spec, accepted)


_RUN = pytest.StashKey[_Run]()
_GATHERER = pytest.StashKey[Any]()
_SEEN = pytest.StashKey[list[Any]]()
_CURVES = pytest.StashKey[list[Any]]()
REPORT = "behaviour_report"
BROUGHT = "inception-harness-brought-models"


def _run_of(config: pytest.Config) -> _Run:
    if _RUN not in config.stash:
        try:
            config.stash[_RUN] = _Run(config)
        except HarnessError as error:
            raise pytest.UsageError(str(error)) from None
    return config.stash[_RUN]


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Register the suite's profile of Hypothesis, before Hypothesis' own plugin loads it."""
    # Only where it is asked for: Hypothesis takes half a second to import.
    if config.getoption("--hypothesis-profile", None) == "search":
        from inception_harness.search_profiles import register_wide_profile

        register_wide_profile()


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers; check the options that were given."""
    for line in _MARKERS:
        config.addinivalue_line("markers", line)
    from inception_harness.gathering import Gatherer

    config.stash[_GATHERER] = Gatherer(config)
    config.pluginmanager.register(config.stash[_GATHERER], "inception-harness-gatherer")
    report = config.getoption(REPORT)
    if report is not None and report.is_dir():
        raise pytest.UsageError(f"--behaviour-report {report}: this is a folder; name a file.")
    if any(map(config.getoption, ("model", "engine", "pictures", "baseline", "accepted_flips"))):
        _run_of(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Release the models."""
    if _RUN in config.stash and not config.pluginmanager.has_plugin(BROUGHT):
        config.stash[_RUN].models.close()


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every behaviour once for each model."""
    if "harness_subject" in metafunc.fixturenames:
        subjects = _run_of(metafunc.config).subjects
        keys = [subject.key for subject in subjects]
        metafunc.parametrize("harness_subject", subjects, indirect=True, ids=keys, scope="session")


def _subject_of(item: pytest.Item) -> Any:
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("harness_subject") if callspec else None


def base_id(item: pytest.Item) -> str:
    """Return a test's id without the model's part: ``test_file.py::test_name[param]``."""
    subject = _subject_of(item)
    name = item.name
    if subject is not None:
        name = name.replace(f"[{subject.key}-", "[", 1).replace(f"[{subject.key}]", "", 1)
    parent = item.parent
    classes: list[str] = []
    while parent is not None and not isinstance(parent, pytest.Module):
        if isinstance(parent, pytest.Class):
            classes.insert(0, parent.name)
        parent = parent.parent
    return "::".join([item.path.name, *classes, name])


@pytest.hookimpl(tryfirst=True)  # before any test is deselected: all entries must match one
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Expect the known failures; leave out the benchmarks unless they were asked for."""
    try:
        if not config.getoption("no_known_failures"):
            _expect_known_failures(config, items)
        _leave_out(config, items)
    except pytest.UsageError as error:
        _tell(config, items, error)


def _tell(config: pytest.Config, items: list[pytest.Item], error: pytest.UsageError) -> None:
    """Stop the run; a worker of pytest-xdist cannot, and hands the words to the controller."""
    if not hasattr(config, "workeroutput"):
        raise error
    config.workeroutput["harness_problem"] = str(error)
    items.clear()


def _expect_known_failures(config: pytest.Config, items: list[pytest.Item]) -> None:
    tests: dict[str, dict[str, pytest.Item]] = {}
    for item in items:
        if subject := _subject_of(item):
            tests.setdefault(subject.key, {})[base_id(item)] = item
    if not tests:
        return
    from inception_harness.expectations import expect_known_failures, known_failures_of

    folder = config.rootpath / config.getini("harness_known_failures")
    for subject in _run_of(config).subjects:
        try:
            known = known_failures_of(subject, folder)
            expect_known_failures(config, known, subject, tests.get(subject.key, {}))
        except HarnessError as error:
            raise pytest.UsageError(str(error)) from None


def _leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what was not asked for: benchmarks, data sets, comparisons with nothing."""
    kinds = set()
    if not any(
        config.getoption(name, default=False) for name in ("benchmark_enable", "benchmark_only")
    ):
        kinds.add("throughput")
    ours = [item for item in items if _subject_of(item)]
    if ours and _run_of(config).baseline is None:
        kinds.add("baseline")
    if not config.getoption("with_datasets"):
        kinds.add("dataset")
    left_out = [item for item in ours if any(map(item.get_closest_marker, kinds))]
    left_out += [
        item
        for item in ours
        if item.get_closest_marker("parity")
        and _run_of(config).reference_of(_subject_of(item)) is None
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist tells the controller what was collected
def pytest_collection_finish(session: pytest.Session) -> None:
    """Fetch what the collected behaviours need, before the first of them runs."""
    try:
        _prepare(session)
    except pytest.UsageError as error:
        _tell(session.config, session.items, error)


def _prepare(session: pytest.Session) -> None:
    if session.config.option.collectonly:
        return
    wanted = {subject.key: subject for item in session.items if (subject := _subject_of(item))}
    if session.config.getoption("record_scores") and not any(
        "own_record" in getattr(item, "fixturenames", ()) for item in session.items
    ):
        raise pytest.UsageError(
            "--record-scores: the behaviour that writes records, test_record.py, is not among the "
            "tests of this run. Name the whole folder of the suite."
        )
    if not wanted:
        return
    run = _run_of(session.config)
    if session.config.getoption("baseline") and not any(
        "against_baseline" in getattr(item, "fixturenames", ()) for item in session.items
    ):
        raise pytest.UsageError(
            "--baseline: no behaviour that compares with it, as test_baseline.py, is among the "
            "tests of this run. Name the whole folder of the suite."
        )
    baseline = run.baseline.subject if run.baseline else None
    for subject in (*wanted.values(), *([baseline] if baseline else [])):
        try:
            run.models.prepare(subject, progress=sys.stderr.isatty())
            run.models.probe(subject)
        except HarnessError as error:
            lines = [str(error) if subject.key in str(error) else f"{subject.key}: {error}"]
            lines.append("Nothing was run.")
            if isinstance(error, StoreError):
                lines.append(
                    f"INCEPTION_HARNESS_HOME names the store ({run.models.store.home}); point it "
                    "at one that has the files, or run `inception-harness fetch NAME` where there "
                    "is a network. The pictures that come with the harness are --pictures drawings."
                )
            raise pytest.UsageError("\n".join(lines)) from None


def pytest_report_collectionfinish(
    config: pytest.Config, items: list[pytest.Item]
) -> list[str] | None:
    """Name the models under test, their files, engines and pictures, and how they were loaded."""
    wanted = [(subject.key, item) for item in items if (subject := _subject_of(item))]
    keys = {key for key, _ in wanted}
    if not keys:
        return None
    # Those that ask for the picture set's predictions. Computed here, where nothing captures what
    # is written, a long set shows its progress.
    predicted = {key for key, item in wanted if "classify" in getattr(item, "fixturenames", ())}
    run = _run_of(config)
    lines = []
    for subject in run.subjects:
        if subject.key in keys:
            lines += run.models.describe(subject)
            if not config.option.collectonly:
                lines += run.models.warm_up(subject, predict=subject.key in predicted)
    if run.baseline:
        lines.append(f"baseline: {run.baseline.spec}")
    wrapped = textwrap.TextWrapper(80, subsequent_indent="    ", break_on_hyphens=False)
    return [part for line in lines for part in wrapped.wrap(line)]


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out behaviours that do not apply to the model, and say why."""
    subject = _subject_of(item)
    if subject is None:
        return
    reason = _not_applicable(item, subject)
    if reason:
        pytest.skip(f"not applicable: {reason}")


def _not_applicable(item: pytest.Item, subject: Any) -> str | None:
    models = _run_of(item.config).models
    classifier = models.classifier(subject)
    named = [name for mark in item.iter_markers("only_for") for name in mark.args]
    named += [n for mark in item.iter_markers("quirk") for n in mark.kwargs.get("only", ())]
    if named and classifier.name not in named:
        return f"it is about {', '.join(named)}"
    labels = [label for mark in item.iter_markers("speaks_of") for label in mark.args]
    missing = [label for label in labels if label not in classifier.labels]
    if missing:
        return f"{classifier.name} has no class {' or '.join(map(repr, missing))}"
    roles = [role for mark in item.iter_markers("shows") for role in mark.args]
    pictures = models.picture_set(subject)
    absent = [role for role in roles if role not in pictures]
    if absent:
        return f"the picture set {pictures.name} has no {' or '.join(map(repr, absent))}"
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Listen to the comparisons that a behaviour makes."""
    if _subject_of(item) is None:
        return (yield)
    from inception_harness.prediction import observing

    with observing() as seen:
        item.stash[_SEEN] = seen
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the verdict on the behaviour to pytest's report of the test."""
    report = yield
    subject = _subject_of(item)
    decided = call.when == "call" or (call.when == "setup" and not report.passed)
    if subject is None or not decided:
        return report
    from inception_harness.expectations import KNOWN, gone_text
    from inception_harness.verdicts import verdict_of

    listed = item.stash.get(KNOWN, None)
    if listed and not listed.strict and report.passed:
        # No XPASS: on another engine, a behaviour that holds after all has simply passed.
        vars(report).pop("wasxfail", None)
        listed = None
    entry = listed.entry if listed else None
    seen = item.stash.get(_SEEN, [])
    verdict = verdict_of(item, base_id(item), subject.key, report, call, seen, entry)
    # Another picture set than the model's own may well lack a role.
    own_pictures = not item.config.getoption("pictures")
    if listed and listed.strict and verdict.outcome == "not applicable" and own_pictures:
        known, entry, _ = listed
        report.outcome = "failed"
        report.longrepr = (
            f"{known.path}, line {entry.line}: {entry.test} is listed as a known failure and is "
            f"not applicable to {known.model}: {verdict.reason}. Remove the entry."
        )
        verdict = replace(verdict, outcome="error", message=report.longrepr)
    if listed and verdict.outcome == "failure gone":
        report.longrepr = gone_text(listed.known, listed.entry)
        verdict = replace(verdict, message=report.longrepr)
    # An attribute of the report, which pytest-xdist sends along; a verdict is JSON for that.
    vars(report)["harness_verdict"] = verdict.to_json()
    item.user_properties += [("model", subject.key), ("pictures", ", ".join(verdict.pictures))]
    if verdict.margin is not None:
        item.user_properties.append(("margin", f"{verdict.margin:.6g}"))
    report.user_properties = list(item.user_properties)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand on what this process knows of its models: to the report, or to the controller."""
    config = session.config
    if _RUN not in config.stash:
        return
    from inception_harness.gathering import part_of

    run = config.stash[_RUN]
    drawn: list[Any] = config.stash.get(_CURVES, [])
    part = part_of(
        run.models,
        run.subjects,
        run.baseline,
        curves=drawn,
        with_pictures=bool(config.getoption(REPORT)),
    )
    if hasattr(config, "workeroutput"):
        config.workeroutput["harness_run"] = part.to_json()
    else:
        config.stash[_GATHERER].add_part(part)


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Tell of a score or a label that is not what it should be: picture, margin, table."""
    if "inception_harness.prediction" not in sys.modules:
        return None  # there can be no score or label, and the import is not free
    from inception_harness.verdicts import explain_comparison

    return explain_comparison(op, left, right)


@pytest.fixture(scope="session")
def harness_subject(request: pytest.FixtureRequest) -> Any:
    """The model under test and its engine (`inception_harness.session.Subject`)."""
    return request.param


@pytest.fixture(scope="session")
def classifier(request: pytest.FixtureRequest, harness_subject: Any) -> Any:
    """The model under test, loaded once (`inception_harness.classifier.Classifier`)."""
    return _run_of(request.config).models.classifier(harness_subject)


@pytest.fixture(scope="session")
def classify(request: pytest.FixtureRequest, harness_subject: Any) -> Any:
    """A picture's role or path in, its prediction out; each picture is computed once."""
    from inception_harness.session import Classify

    return Classify(_run_of(request.config).models, harness_subject)


@pytest.fixture(scope="session")
def curves(request: pytest.FixtureRequest) -> list[Any]:
    """Where behaviours put curves (`inception_harness.results.Curve`) for the report."""
    return request.config.stash.setdefault(_CURVES, [])


@pytest.fixture(scope="session")
def dataset(request: pytest.FixtureRequest) -> Any:
    """A data set's name in, its folder in the store out; not applicable where it is missing."""

    def folder_of(name: str) -> Path:
        folder = _run_of(request.config).models.store.folder("datasets", name)
        if not folder.is_dir():
            pytest.skip(f"not applicable: the store has no data set {name} ({folder})")
        return folder

    return folder_of


@pytest.fixture(scope="session")
def found_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures go that a search has found: ``<report>-found`` beside the report.

    Without a report it is a folder of pytest's temporary one. It may not be there yet.
    """
    report: Path | None = request.config.getoption(REPORT)
    if report is not None:
        return report.with_name(f"{report.stem}-found").absolute()
    return tmp_path_factory.getbasetemp() / "behaviours-found"


@pytest.fixture(scope="session")
def against_baseline(request: pytest.FixtureRequest, harness_subject: Any) -> Any:
    """The model against the one in service (`inception_harness.compare.Comparison`)."""
    run = _run_of(request.config)
    if run.baseline is None:
        pytest.skip("not applicable: no --baseline was given")
    return run.baseline.against(run.models, harness_subject)


@pytest.fixture(scope="session")
def reference(request: pytest.FixtureRequest, harness_subject: Any) -> Any:
    """The same model on the first engine of the run, as the fixture `classify`."""
    from inception_harness.session import Classify

    run = _run_of(request.config)
    return Classify(run.models, run.reference_of(harness_subject))


@pytest.fixture(scope="session")
def allowed_drift(request: pytest.FixtureRequest, harness_subject: Any) -> Any:
    """How far scores may lie from the reference's (`inception_harness.tolerances.Tolerance`)."""
    from inception_harness.references import current_record
    from inception_harness.tolerances import tolerance

    run = _run_of(request.config)
    first = current_record(run.models, run.reference_of(harness_subject))
    return tolerance(first, current_record(run.models, harness_subject), decoded_otherwise=False)


@pytest.fixture(scope="session")
def own_record(request: pytest.FixtureRequest, harness_subject: Any) -> Any:
    """The model's record beside the scores of this run (`references.OwnRecord`)."""
    from inception_harness.references import own_record as find

    config = request.config
    folder = config.rootpath / config.getini("harness_records")
    return find(
        _run_of(config).models, harness_subject, folder, write=config.getoption("record_scores")
    )


@pytest.fixture(scope="session")
def stimulus_lock(request: pytest.FixtureRequest, harness_subject: Any, classifier: Any) -> Any:
    """The hashes of the set's perturbed pictures (`stimuli.StimulusLock`), or None."""
    from inception_harness.stimuli import lock_path, read_lock

    spec = _run_of(request.config).models.pictures_spec or classifier.card.pictures
    path = lock_path(spec)
    return read_lock(path) if path else None


@pytest.fixture(scope="session")
def pictures(request: pytest.FixtureRequest, harness_subject: Any) -> Any:
    """The picture set of the model under test (`inception_harness.pictures.PictureSet`)."""
    return _run_of(request.config).models.picture_set(harness_subject)
