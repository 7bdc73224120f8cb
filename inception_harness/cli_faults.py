"""The command ``faults``: what the behaviour suite notices of a model damaged on purpose."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inception_harness.cli_values import whole_number_from_one

if TYPE_CHECKING:
    from inception_harness.fault_results import FaultResult

__all__ = ["add_commands"]


def add_commands(commands: Any) -> None:
    """Add the command to the parser of ``inception-harness``."""
    faults = commands.add_parser(
        "faults",
        help="damage a model on purpose, and count what the suite notices",
        description="Damage a model in the ways in which models get damaged on their way to "
        "production, and judge each by the whole behaviour suite. Exit code 1 where a fault "
        "survives or could not be judged; with --honest, where the model as it is raises an alarm.",
    )
    faults.add_argument("--model", metavar="SPEC", help="a model that has a card")
    faults.add_argument("--engine", metavar="NAME", help="what computes, for example openvino:bf16")
    faults.add_argument("--only", nargs="+", default=[], metavar="FAULT", help="these faults alone")
    faults.add_argument("--list", action="store_true", help="list the faults, and do nothing")
    faults.add_argument(
        "--honest",
        type=whole_number_from_one,
        metavar="RUNS",
        help="damage nothing: so many runs, with other seeds, threads and batch sizes",
    )
    faults.add_argument(
        "--quick",
        action="store_true",
        help="ask the files that perturb pictures by the hundred only about faults that the others "
        "miss; with --honest, not at all",
    )
    faults.add_argument("--json", type=Path, metavar="FILE", help="write the result as JSON")
    faults.add_argument("--markdown", type=Path, metavar="FILE", help="write the table")
    faults.set_defaults(run=partial(_faults, faults))


def _faults(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if not (options.list or options.model):
        parser.error("--model is missing: name the model to damage, for example --model miniature")
    if options.honest and options.only:
        parser.error("--only names faults, and --honest makes none: leave out one of the two")
    from inception_harness.faults import FAULTS
    from inception_harness.files import refuse_unwritable

    if options.list:
        for fault in FAULTS:
            print(f"{fault.name:<22} {fault.story}")
        return 0
    refuse_unwritable(options.json, "--json")
    refuse_unwritable(options.markdown, "--markdown")
    return _honest(options) if options.honest else _damaged(options)


def _damaged(options: argparse.Namespace) -> int:
    from inception_harness.fault_results import markdown_table
    from inception_harness.faults import chosen_faults, on_the_bench, run_faults

    chosen = chosen_faults(options.only)
    with on_the_bench(options.model, options.engine) as bench:
        run = run_faults(bench, chosen, _tell, quick=options.quick)
    print(f"\n{run.summary}")
    _write(options, run.to_json(), f"{run.summary}\n\n{markdown_table(run)}")
    return int(any(result.survived or result.problem for result in run.results))


def _tell(result: FaultResult) -> None:
    if result.reason:
        answer = f"does not apply: {result.reason}"
    elif result.problem:
        answer = f"NOT JUDGED, {result.problem}"
    elif result.survived:
        answer = "SURVIVED"
    else:
        answer = f"caught by {len(result.caught)} ({', '.join(result.parts)})"
    _say(f"{result.name:<22} {answer}  [{result.seconds:.1f} s]")


def _honest(options: argparse.Namespace) -> int:
    from inception_harness.fault_alarms import honest_runs

    done = honest_runs(
        options.model,
        options.honest,
        lambda run: _say(run.line),
        engine=options.engine,
        half="quick" if options.quick else "whole",
    )
    for test, count in sorted(done.alarms.items()):
        print(f"  ✗ {test}: {count} of {options.honest} runs")
    print(done.summary)
    _write(options, done.to_json(), f"{done.summary}\n\n{done.markdown_table()}")
    return int(bool(done.alarms))


def _say(line: str) -> None:
    print(line)
    sys.stdout.flush()  # a run takes minutes, and a pipe would hold the lines back


def _write(options: argparse.Namespace, data: str, page: str) -> None:
    from inception_harness.files import write_atomically

    if options.json:
        write_atomically(options.json, f"{data}\n".encode())
    if options.markdown:
        write_atomically(options.markdown, page.encode())
