"""The figures of a benchmark as one page in HTML, with a chart."""

from __future__ import annotations

from pathlib import Path

from inception_harness.bench_data import RULE, BenchReport
from inception_harness.files import write_atomically
from inception_harness.report.html import page_context, templates
from inception_harness.results import Run
from inception_harness.run_data import environment

__all__ = ["speed_html", "write_speed_report"]


def write_speed_report(report: BenchReport, path: Path) -> None:
    """Write the page of a benchmark as one self-contained HTML file, whole or not at all.

    Raises:
        StoreError: the file cannot be written.
    """
    write_atomically(Path(path), speed_html(report).encode("utf-8"))


def speed_html(report: BenchReport) -> str:
    """Return the page of a benchmark as HTML."""
    run = Run(environment(()), timings=report.timings(report.model))
    context = page_context(
        run,
        f"How fast is {report.model}?",
        "inception-harness · bench",
        "Skip to the figures",
        script="",
    )
    return (
        templates().get_template("speed.html.j2").render(context | {"bench": report, "rule": RULE})
    )
