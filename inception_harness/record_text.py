"""Records as text: CSV with a head, made to be reviewed as a diff and read strictly.

The head's lines read ``# key: value``. Below it stand the scores, sorted by picture, then by
rank. The same record always gives the same text.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path

from inception_harness.errors import RecordError
from inception_harness.record_data import Record, RecordRow
from inception_harness.record_head import ANEW, damage, head_lines, read_head

__all__ = ["COLUMNS", "record_from_text", "record_to_text"]

COLUMNS = ("picture", "rank", "class", "wnid", "name", "score")

_CONFLICTS = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")


def record_to_text(record: Record, path: Path) -> str:
    """Return a record as text.

    Args:
        record: what to write.
        path: the file that errors name.

    Raises:
        RecordError: the record has what cannot be read back, such as a score that is not a
            number or a name of two lines.
    """
    out = io.StringIO()
    out.writelines(f"{line}\n" for line in head_lines(record))
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    for picture, table in sorted(record.tables.items()):
        for row in table:
            number = "?" if row.number is None else row.number
            rows.writerow((picture, row.rank, number, row.wnid, row.name, f"{row.score:.6f}"))
    text = out.getvalue()
    try:
        record_from_text(text, path)
    except RecordError as error:
        told = str(error).removesuffix(ANEW).strip()
        raise RecordError(f"This record cannot be written: {told}") from error
    return text


def record_from_text(text: str, path: Path) -> Record:
    """Read what `record_to_text` returned.

    Args:
        text: the file's content; lines may end as those of Windows do.
        path: the file that errors name.

    Raises:
        RecordError: anything is missing, damaged, twice there or out of order; the message names
            the file and the line.
    """
    lines = _lines(text, path)
    height = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    head, hashes = read_head(lines[:height], path)
    if lines[height:][:1] != [",".join(COLUMNS)]:
        found = repr(lines[height]) if height < len(lines) else "the end of the file"
        raise damage(path, height + 1, f"expected '{','.join(COLUMNS)}', found {found}.")
    tables = _tables(lines[height + 1 :], path, height + 2, int(head["classes"]))
    _check_lengths(tables, path, height + 1, min(int(head["top"]), int(head["classes"])))
    _check_same_pictures(hashes, tables, path)
    # mypy cannot know that each value was read as its attribute's type.
    return Record(**head, hashes=hashes, tables=tables)  # type: ignore[arg-type]


def _lines(text: str, path: Path) -> list[str]:
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    if lines == [""]:
        raise RecordError(f"{path} is empty. {ANEW}")
    for number, line in enumerate(lines, start=1):
        if line.startswith(_CONFLICTS):
            raise damage(path, number, f"a merge conflict is left in the file ({line!r}).")
        if line.startswith("#") and line.endswith(",,"):
            words = "the line ends with commas, as where a spreadsheet program saved the file."
            raise damage(path, number, words)
    if lines.pop():
        words = "the last line has no line end: the file is cut off, or an editor took it away."
        raise damage(path, len(lines) + 1, words)
    return lines


def _tables(
    lines: list[str], path: Path, first: int, classes: int
) -> dict[str, tuple[RecordRow, ...]]:
    tables: dict[str, list[RecordRow]] = {}
    last = ""
    for number, line in enumerate(lines, start=first):
        try:
            picture, row = _row(line, classes)
            if picture < last:
                what = "stands in two places" if picture in tables else f"stands after {last!r}"
                raise ValueError(f"{picture!r} {what}; expected the pictures sorted")
            _check_follows(picture, row, tables.setdefault(picture, []))
        except ValueError as error:
            raise damage(path, number, f"{error}.") from None
        tables[picture].append(row)
        last = picture
    return {picture: tuple(rows) for picture, rows in tables.items()}


def _row(line: str, classes: int) -> tuple[str, RecordRow]:
    try:
        cells = next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        raise ValueError(f"{line!r} is no row of a CSV file: {error}") from None
    if len(cells) != len(COLUMNS):
        raise ValueError(f"expected {len(COLUMNS)} values ({', '.join(COLUMNS)}), found {line!r}")
    picture, rank, number, wnid, name, score = cells
    if not picture or not name:
        raise ValueError(f"the {'name' if picture else 'picture'} is empty")
    if not re.fullmatch(r"[1-9][0-9]*", rank):
        raise ValueError(f"the rank {rank!r} is no whole number from 1")
    if number != "?" and not (re.fullmatch(r"0|[1-9][0-9]*", number) and int(number) < classes):
        raise ValueError(
            f"the class {number!r} is none of 0 to {classes - 1}, nor '?' for one that is not known"
        )
    if not re.fullmatch(r"(n\d{8})?", wnid):
        raise ValueError(f"the WNID {wnid!r} is not like n02510455, nor empty")
    if not re.fullmatch(r"0\.\d{6}|1\.000000", score):
        raise ValueError(
            f"the score {score!r} is no number from 0.000000 to 1.000000 with six decimals"
        )
    known = None if number == "?" else int(number)
    return picture, RecordRow(int(rank), known, wnid, name, float(score))


def _check_follows(picture: str, row: RecordRow, above: list[RecordRow]) -> None:
    if row.rank != len(above) + 1:
        raise ValueError(
            f"{picture!r} has rank {row.rank} where rank {len(above) + 1} was expected: "
            f"{'a row stands twice' if row.rank <= len(above) else 'a row is missing'}"
        )
    if row.number is not None and any(row.number == other.number for other in above):
        raise ValueError(f"the class {row.number} stands twice for {picture!r}")
    if above and row.score > above[-1].score:
        raise ValueError(
            f"{picture!r} has the score {row.score:.6f} below {above[-1].score:.6f}; expected the "
            "highest first"
        )


def _check_lengths(
    tables: dict[str, tuple[RecordRow, ...]], path: Path, line: int, expected: int
) -> None:
    for picture, rows in tables.items():
        line += len(rows)
        if len(rows) != expected:
            words = f"{picture!r} ends after {len(rows)} rows; expected {expected}."
            raise damage(path, line, words)


def _check_same_pictures(head: Iterable[str], rows: Iterable[str], path: Path) -> None:
    above, below = set(head), set(rows)
    for picture in sorted(above ^ below):
        where = ("head", "rows") if picture in above else ("rows", "head")
        raise RecordError(
            f"{path}: {picture!r} is in the {where[0]} and not in the {where[1]}. {ANEW}"
        )
    if not below:
        raise RecordError(f"{path}: there are no pictures. {ANEW}")
