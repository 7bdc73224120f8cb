"""The command ``faults``: what the behaviour suite notices of a model damaged on purpose."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
        "survives; with --honest, where the model as it is raises an alarm.",
    )
    faults.add_argument("--model", required=True, metavar="SPEC", help="a model that has a card")
    faults.add_argument("--engine", metavar="NAME", help="what computes")
    faults.add_argument("--only", nargs="+", default=[], metavar="FAULT", help="these faults alone")
    faults.add_argument("--list", action="store_true", help="list the faults, and do nothing")
    faults.add_argument(
        "--honest",
        type=int,
        metavar="RUNS",
        help="damage nothing: so many runs, with other seeds, threads and batch sizes",
    )
    faults.add_argument(
        "--quick", action="store_true", help="with --honest: without the hundreds of perturbations"
    )
    faults.add_argument("--json", type=Path, metavar="FILE", help="write the result as JSON")
    faults.add_argument("--markdown", type=Path, metavar="FILE", help="write the table")
    faults.set_defaults(run=_faults)


def _faults(options: argparse.Namespace) -> int:
    from inception_harness.fault_results import markdown_table
    from inception_harness.faults import FAULTS, chosen_faults, on_the_bench, run_faults
    from inception_harness.store import write_atomically

    if options.list:
        for fault in FAULTS:
            print(f"{fault.name:<22} {fault.story}")
        return 0
    if options.honest is not None:
        return _honest(options)
    chosen = chosen_faults(options.only)
    with on_the_bench(options.model, options.engine) as bench:
        run = run_faults(bench, chosen, _tell)
    print(f"\n{run.summary}")
    if options.json:
        write_atomically(options.json, f"{run.to_json()}\n".encode())
    if options.markdown:
        page = f"{run.summary}\n\n{markdown_table(run)}"
        write_atomically(options.markdown, page.encode())
    return int(any(result.survived for result in run.results))


def _tell(result: FaultResult) -> None:
    if result.reason:
        answer = f"does not apply: {result.reason}"
    elif result.survived:
        answer = "SURVIVED"
    else:
        answer = f"caught by {len(result.caught)} ({', '.join(result.parts)})"
    print(f"{result.name:<22} {answer}  [{result.seconds:.1f} s]")
    sys.stdout.flush()


def _honest(options: argparse.Namespace) -> int:
    from inception_harness.fault_alarms import honest_runs

    half = "quick" if options.quick else "whole"
    alarms = honest_runs(options.model, options.honest, print, half)
    for test, count in sorted(alarms.items()):
        print(f"  ✗ {test}: {count} of {options.honest} runs")
    many = sum(alarms.values())
    print(f"{options.model}: {options.honest} runs of the model as it is, {many} false alarms.")
    return int(bool(alarms))
