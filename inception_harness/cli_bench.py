"""The command ``inception-harness bench``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from inception_harness.cli_values import whole_number_from_one

__all__ = ["add_commands"]


def add_commands(commands: Any) -> None:
    """Add ``bench`` to the parser's commands."""
    bench = commands.add_parser(
        "bench",
        help="measure a model's speed on engines, against the tutorial's loop and the machine",
        description="All ways are measured in turn, round after round, so that ratios stay true "
        "where the machine's speed changes. Exit code 0 also where the verdict is noisy.",
    )
    bench.add_argument(
        "--model", default="miniature", metavar="SPEC",
        help="a built-in name, a card's path, or package.module:factory (miniature)",
    )  # fmt: skip
    bench.add_argument(
        "--engine", action="append", metavar="NAME",
        help="an engine, for example openvino:bf16; again for more (all that are installed)",
    )  # fmt: skip
    bench.add_argument(
        "--pictures", type=Path, metavar="FOLDER",
        help="a folder of JPEG files (the model's picture set)",
    )  # fmt: skip
    bench.add_argument(
        "--count", type=whole_number_from_one, default=32, help="pictures in a round (32)"
    )
    bench.add_argument(
        "--rounds", type=whole_number_from_one, default=5, help="rounds to measure (5)"
    )
    bench.add_argument(
        "--batch", type=whole_number_from_one, action="append", metavar="N",
        help="a batch size; again for more (1, 8 and 32)",
    )  # fmt: skip
    bench.add_argument(
        "--cold",
        type=int,
        default=2,
        metavar="N",
        help="cold starts of each engine, 0 for none (2)",
    )
    bench.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    bench.add_argument(
        "--report", type=Path, metavar="FILE", help="write a page with a chart, in HTML"
    )
    bench.set_defaults(run=_bench)


def _bench(options: argparse.Namespace) -> int:
    from inception_harness.bench import BATCHES, Settings, default_engines, measure
    from inception_harness.engines import EngineSpec
    from inception_harness.files import refuse_unwritable
    from inception_harness.own_models import names_a_factory
    from inception_harness.store import Store, write_atomically

    if options.engine and names_a_factory(options.model):
        print(
            "inception-harness: a model made by a factory computes by itself; leave out --engine.",
            file=sys.stderr,
        )
        return 2
    refuse_unwritable(options.json, "--json")
    refuse_unwritable(options.report, "--report")
    settings = Settings(
        count=options.count,
        rounds=options.rounds,
        batches=tuple(options.batch or BATCHES),
        cold=max(options.cold, 0),
    )
    report = measure(
        options.model,
        [EngineSpec.parse(text) for text in options.engine or ()] or default_engines(options.model),
        pictures=options.pictures,
        store=Store(),
        settings=settings,
        say=_say,
    )
    _say("")
    print(report.table())
    if options.json is not None:
        write_atomically(options.json, (report.to_json() + "\n").encode())
    if options.report is not None:
        from inception_harness.report.speed import write_speed_report

        write_speed_report(report, options.report)
    return 0


def _say(what: str) -> None:
    """Show what is being done, on terminals only, in one line."""
    if sys.stderr.isatty():
        print(f"\r{what:<60}", end="" if what else "\r", file=sys.stderr, flush=True)
