"""The commands ``compare`` and ``quirks``: versions against each other, and a page on each."""

from __future__ import annotations

import argparse
import base64
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inception_harness.errors import HarnessError

if TYPE_CHECKING:
    from inception_harness.compare import Comparison
    from inception_harness.pictures import PictureSet
    from inception_harness.record_data import Record
    from inception_harness.results import Run
    from inception_harness.session import Models

__all__ = ["add_commands"]


def add_commands(commands: Any) -> None:
    """Add the two commands to the parser of ``inception-harness``."""
    compare = commands.add_parser(
        "compare",
        help="compare two versions: records (.csv) or models",
        description="Compare a candidate B with the version in service A. Two records need no "
        "model. Exit code 1 where a flip is not accepted.",
    )
    compare.add_argument("baseline", metavar="A", help="the version in service: a record or a spec")
    compare.add_argument("candidate", metavar="B", help="what may replace it: a record or a spec")
    compare.add_argument("--accepted-flips", type=Path, metavar="FILE", help="flips with reasons")
    compare.add_argument("--pictures", metavar="SET", help="the picture set (the records' own)")
    compare.add_argument("--report", type=Path, metavar="FILE", help="write an HTML report")
    compare.set_defaults(run=_compare)
    quirks = commands.add_parser(
        "quirks",
        help="write the page of a model's quirks and known failures, from a run",
        description="Run the behaviour suite and write its quirks and known failures as a page, "
        "Markdown (.md, with its pictures in a folder beside it) or HTML (.html).",
    )
    quirks.add_argument("--model", action="append", required=True, metavar="SPEC")
    quirks.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    quirks.set_defaults(run=_quirks)


def _compare(options: argparse.Namespace) -> int:
    from inception_harness.compare import compare_records, main_table
    from inception_harness.flips import expected_of, read_accepted_flips

    models = _models()
    accepted = read_accepted_flips(options.accepted_flips) if options.accepted_flips else None
    baseline = _record(models, options.baseline, options.pictures)
    candidate = _record(models, options.candidate, options.pictures)
    pictures = _picture_set(models, options.pictures, candidate.picture_set)
    expected = expected_of(pictures) if pictures else {}
    comparison = compare_records(baseline, candidate, expected, accepted)
    print(main_table(comparison))
    if pictures is None:
        print(
            f"\nnote: the picture set {candidate.picture_set!r} is not known here, so nothing is "
            "known to be right; --pictures names its file.",
            file=sys.stderr,
        )
    if options.report:
        from inception_harness.report.html import write_report

        write_report(_compared_run(comparison, pictures), options.report)
        print(f"\nreport: {options.report}")
    return comparison.exit_code


def _models() -> Models:
    from inception_harness.session import Models
    from inception_harness.store import Store

    return Models(Store())


def _record(models: Models, spec: str, picture_set: str | None) -> Record:
    from inception_harness.records import read_record

    if spec.endswith(".csv"):
        return read_record(Path(spec))
    from dataclasses import replace

    from inception_harness.pictures import find_picture_set
    from inception_harness.references import current_record
    from inception_harness.session import subjects_of

    (subject,) = subjects_of([spec], [])
    subject = replace(subject, key=spec)  # two cards may have one name
    models.prepare(subject, progress=sys.stderr.isatty())
    chosen = find_picture_set(picture_set, models.store) if picture_set else None
    return current_record(models, subject, chosen)


def _picture_set(models: Models, asked: str | None, recorded: str) -> PictureSet | None:
    """Return the set that was asked for, else the record's own, or None where it is not known."""
    from inception_harness.pictures import built_in_sets, find_picture_set

    if asked is not None:
        return find_picture_set(asked, models.store)
    name = recorded
    if name not in built_in_sets() and not name.endswith(".toml"):
        return None
    return find_picture_set(name, models.store)


def _compared_run(comparison: Comparison, pictures: PictureSet | None) -> Run:
    from dataclasses import replace

    from inception_harness.baselines import flips_shown, record_answers, record_subject
    from inception_harness.results import Run
    from inception_harness.run_data import environment, picture_shown

    key = comparison.candidate.model
    candidate = replace(
        record_subject(comparison.candidate, is_record=True),
        key=key,
        title="the candidate",
        is_baseline=False,
    )
    baseline = record_subject(comparison.baseline, is_record=True)
    shown = [p for p in pictures.pictures.values() if p.path.is_file()] if pictures else []
    answers = record_answers(comparison.baseline)
    answers += [replace(a, subject=key) for a in record_answers(comparison.candidate)]
    return Run(
        environment=environment(()),
        subjects=(baseline, candidate),
        pictures=tuple(picture_shown(picture) for picture in shown),
        answers=tuple(answers),
        flips=tuple(flips_shown(comparison, key)),
        problems=comparison.problems,
    )


def _quirks(options: argparse.Namespace) -> int:
    from inception_harness.files import write_atomically

    path: Path = options.output
    if path.suffix not in (".md", ".html"):
        raise HarnessError(
            f"-o {path}: the page is Markdown or HTML; end the name in .md or .html."
        )
    run = _judged_run(options.model)
    if path.suffix == ".html":
        from inception_harness.report.quirks import quirks_html

        write_atomically(path, quirks_html(run).encode())
    else:
        write_atomically(path, _markdown_with_pictures(run, path).encode())
    told = sum(v.quirk and v.outcome == "passed" for v in run.verdicts)
    known = sum(v.outcome == "known failure" for v in run.verdicts)
    print(f"{path}: {told} quirks, {known} known failures of {', '.join(options.model)}.")
    return 0


def _judged_run(specs: list[str]) -> Run:
    """Run the suite on each model and return what it found."""
    from inception_harness.gathering import part_of
    from inception_harness.judging import judge
    from inception_harness.results import Run, merge_runs
    from inception_harness.run_data import environment
    from inception_harness.session import subjects_of

    models, subjects = _models(), subjects_of(specs, [])
    verdicts = []
    for subject in subjects:
        models.prepare(subject, progress=sys.stderr.isatty())
        # The reader's own lists and records, not those of wherever the harness is installed.
        lists = [
            f"-oharness_{what}={Path(what).resolve()}" for what in ("known_failures", "records")
        ]
        judgement = judge(models, subject, models.classifier(subject), lists)
        if judgement.exit_code != 0:
            raise HarnessError(
                f"{subject.key}: the behaviour suite does not hold, so there is no page to write. "
                f"Run `pytest --pyargs inception_harness.behaviour_tests --model {subject.spec}`."
                f"\n{judgement.output}"
            )
        verdicts += judgement.verdicts
    own = Run(environment=environment(()), verdicts=tuple(verdicts))
    return merge_runs([own, part_of(models, subjects, with_pictures=True)])


def _markdown_with_pictures(run: Run, path: Path) -> str:
    """Return the page; write the pictures that it shows to a folder beside it."""
    from inception_harness.files import write_atomically
    from inception_harness.report.quirks import quirks_markdown

    folder = f"{path.stem}-pictures"
    photos = {picture.role: picture for picture in run.pictures}
    views = {(answer.subject, answer.picture): answer.view_png for answer in run.answers}

    def save(name: str, content: str) -> str | None:
        if not content:
            return None
        write_atomically(path.parent / folder / name, base64.b64decode(content))
        return f"{folder}/{name}"

    def picture_path(role: str) -> str | None:
        shown = photos.get(role)
        return save(f"{role}.jpg", shown.photo) if shown else None

    def view_path(subject: str, role: str) -> str | None:
        return save(f"{role}-seen-by-{subject}.png", views.get((subject, role), ""))

    return quirks_markdown(run, picture_path, view_path)
