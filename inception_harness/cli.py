"""The command ``inception-harness``.

Exit codes: 0 done; 1 the answer is no (a flip that is not accepted, a fault that is not caught);
2 the command's words are wrong; 3 something is missing or damaged, told in one line; 130 stopped
with Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inception_harness import cli_bench, cli_faults, cli_versions
from inception_harness.cli_values import whole_number_from_one
from inception_harness.errors import CardError, HarnessError

__all__ = ["main"]

EXIT_DONE, EXIT_NO, EXIT_USAGE, EXIT_PROBLEM, EXIT_STOPPED = 0, 1, 2, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except HarnessError as error:
        print(f"inception-harness: {error}", file=sys.stderr)
        return EXIT_PROBLEM
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        # Python flushes once more when it ends; this is how its documentation on SIGPIPE keeps
        # that from failing again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_DONE
    except KeyboardInterrupt:
        print("inception-harness: stopped.", file=sys.stderr)
        return EXIT_STOPPED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="inception-harness",
        description="Say what an image classifier does with a picture, and keep it that way.",
        epilog="Exit codes: 0 done; 1 the answer is no; 2 wrong options; "
        "3 something is missing or damaged; 130 stopped with Ctrl-C. Files live in "
        "INCEPTION_HARNESS_HOME, else in the platform's cache folder.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_listings(commands)
    _add_pictures(commands)
    cli_versions.add_commands(commands)
    cli_faults.add_commands(commands)
    cli_bench.add_commands(commands)
    return parser


def _add_listings(commands: Any) -> None:
    models = commands.add_parser("models", help="list the models that can be named")
    models.add_argument("--json", action="store_true", help="as JSON")
    models.set_defaults(run=_models)
    pictures = commands.add_parser("pictures", help="list the picture sets and their roles")
    pictures.add_argument("--json", action="store_true", help="as JSON")
    pictures.set_defaults(run=_pictures)
    fetch = commands.add_parser("fetch", help="download a model or a picture set, and verify it")
    fetch.add_argument("name", nargs="+", metavar="NAME", help="a model's or a picture set's name")
    fetch.set_defaults(run=_fetch)


def _add_pictures(commands: Any) -> None:
    classify = commands.add_parser("classify", help="print a model's scores of pictures")
    classify.add_argument("picture", nargs="+", metavar="PICTURE", help="a file, or a role")
    _add_model(classify)
    classify.add_argument(
        "-k", type=whole_number_from_one, default=10, help="how many classes (10)"
    )
    classify.add_argument("--full-names", action="store_true", help="all names of a class")
    classify.add_argument("--json", action="store_true", help="as JSON")
    classify.set_defaults(run=_classify)
    view = commands.add_parser("view", help="save what the network sees of a picture")
    view.add_argument("picture", metavar="PICTURE", help="a file, or a role")
    _add_model(view)
    view.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="a PNG")
    view.set_defaults(run=_view)


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        default="miniature",
        metavar="SPEC",
        help="a built-in name, a card's path, or package.module:factory (miniature, which is a "
        "demonstration)",
    )
    parser.add_argument("--engine", metavar="NAME", help="what computes, for example openvino:bf16")
    parser.add_argument("--fit", choices=("squeeze", "crop", "pad"), help="how to make it square")


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def _models(options: argparse.Namespace) -> int:
    from inception_harness.cards import built_in_cards, read_card
    from inception_harness.store import Store

    store = Store()
    rows: list[dict[str, Any]] = []
    for path in built_in_cards().values():
        card = read_card(path)
        missing = store.missing(card.local_folder(store), card.files)
        megabytes = sum(f.size or 0 for f in card.files) / 1e6
        rows.append(
            {
                "name": card.name,
                "title": card.title,
                "format": card.model.format,
                "here": not missing,
                "megabytes": round(megabytes, 1) or None,
                "licence": card.licence,
                "pictures": card.pictures,
            }
        )
    if options.json:
        _print_json(rows)
        return EXIT_DONE
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        print(f"{row['name']:<{width}}  {'here' if row['here'] else '-':<4}  {row['title']}")
    print(f"\nhere: its files are in {store.home}; - : `inception-harness fetch NAME` gets them.")
    return EXIT_DONE


def _pictures(options: argparse.Namespace) -> int:
    from inception_harness.pictures import built_in_sets, read_picture_set
    from inception_harness.store import Store

    store = Store()
    sets = [read_picture_set(path, store) for path in built_in_sets().values()]
    if options.json:
        _print_json(
            [
                {
                    "name": each.name,
                    "title": each.title,
                    "here": not store.missing(each.folder, each.files()),
                    "pictures": [
                        {"role": p.role, "file": str(p.path), "caption": p.caption}
                        for p in each.pictures.values()
                    ],
                }
                for each in sets
            ]
        )
        return EXIT_DONE
    for each in sets:
        here = not store.missing(each.folder, each.files())
        print(f"{each.name}: {each.title} ({'here' if here else 'not fetched'})")
        for picture in each.pictures.values():
            print(f"  {picture.role:<20} {picture.caption}")
    return EXIT_DONE


def _fetch(options: argparse.Namespace) -> int:
    from inception_harness.cards import find_card
    from inception_harness.pictures import built_in_sets, find_picture_set
    from inception_harness.store import Store

    store = Store()
    for name in options.name:
        if name in built_in_sets():
            pictures = find_picture_set(name, store).fetch(store)
            print(f"{name}: {len(pictures.pictures)} pictures in {pictures.folder}, verified.")
            continue
        try:
            card = find_card(name)
        except CardError as error:
            sets = ", ".join(built_in_sets())
            raise CardError(f"{error} The picture sets are {sets}.") from None
        folder = card.local_folder(store)
        store.fetch(folder, card.files, card.archive)
        print(f"{card.name}: {len(card.files)} files in {folder}, verified.")
    return EXIT_DONE


def _source(picture: str, spec: str | None, store: Any) -> tuple[Any, str]:
    """Return a picture's path and what to call it; a word that is no file is a role."""
    from inception_harness.pictures import find_picture_set

    if Path(picture).exists() or Path(picture).suffix or spec is None:
        return picture, Path(picture).name
    pictures = find_picture_set(spec, store).fetch(store)
    return pictures[picture].path, picture


def _classify(options: argparse.Namespace) -> int:
    from inception_harness.classifier import load
    from inception_harness.store import Store

    store = Store()
    with load(options.model, engine=options.engine, store=store) as classifier:
        sources = [_source(p, classifier.card.pictures, store) for p in options.picture]
        said = classifier.classify_batch(
            [path for path, _ in sources], fit=options.fit, names=[name for _, name in sources]
        )
    if options.json:
        _print_json([_as_json(prediction, options.k) for prediction in said])
        return EXIT_DONE
    for count, prediction in enumerate(said):
        if len(said) > 1:
            print(f"{'' if count == 0 else chr(10)}{prediction.picture}:")
        print(prediction.table(options.k, only_first_name=not options.full_names))
    return EXIT_DONE


def _as_json(prediction: Any, k: int) -> dict[str, Any]:
    return {
        "picture": prediction.picture,
        "model": prediction.model,
        "engine": prediction.engine,
        "entropy": prediction.entropy,
        "top": [
            {
                "number": score.number,
                "wnid": prediction.labels.wnids[score.number],
                "name": prediction.labels.name(score.number, only_first=False),
                "score": float(score),
            }
            for score in prediction.top(k)
        ],
    }


def _view(options: argparse.Namespace) -> int:
    import io

    import numpy as np
    from PIL import Image

    from inception_harness.classifier import load
    from inception_harness.store import Store, write_atomically

    if options.output.suffix.lower() != ".png":
        print(
            f"inception-harness: -o {options.output}: the view is saved as a PNG; "
            "give a name that ends in .png.",
            file=sys.stderr,
        )
        return EXIT_USAGE
    store = Store()
    with load(options.model, engine=options.engine, store=store) as classifier:
        path, _ = _source(options.picture, classifier.card.pictures, store)
        view = classifier.network_view(path, fit=options.fit)
    buffer = io.BytesIO()
    Image.fromarray(np.rint(view * 255).astype(np.uint8)).save(buffer, "PNG")
    write_atomically(options.output, buffer.getvalue())
    height, width = view.shape[:2]
    print(f"{options.output}: {width} × {height}, what {options.model} sees.")
    return EXIT_DONE


if __name__ == "__main__":
    sys.exit(main())
