"""TOML files that remember their lines."""

from __future__ import annotations

import string
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inception_harness.errors import CardError, RecordError
from inception_harness.toml_lines import read_toml

EXAMPLE = '''\
# a comment = 1
name = "a"  # [not a table]

[model]
file = """
[neither.a.table]
key = 1
"""   # after
"quoted key" = 'x # y'
sizes = [
  1, # one = [
  2,
]
inline = { a = 1, b = [1, 2] }
dotted.deep.key = 3

[[files]]
path = "one"

  [files.more]
  x = 1

[[files]]
path = "two"
[[files.parts]]
n = 1
[[files.parts]]
n = """""two quotes at the end"""""
[last."a.b"]
z = 9
'''


def read(path: Path, text: str, error: type[RecordError | CardError] = RecordError):
    path.write_bytes(text.encode())
    return read_toml(path, error)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "x.toml"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 2),
        (("model",), 4),
        (("model", "file"), 5),
        (("model", "quoted key"), 9),
        (("model", "sizes"), 10),
        (("model", "inline"), 14),
        (("model", "inline", "a"), 14),
        (("model", "dotted"), 15),
        (("model", "dotted", "deep", "key"), 15),
        (("files",), 17),
        (("files", 0), 17),
        (("files", 0, "path"), 18),
        (("files", 0, "more"), 20),
        (("files", 0, "more", "x"), 21),
        (("files", 1), 23),
        (("files", 1, "path"), 24),
        (("files", 1, "absent"), 23),
        (("files", 1, "parts", 0, "n"), 26),
        (("files", 1, "parts", 1), 27),
        (("files", 1, "parts", 1, "n"), 28),
        (("last", "a.b", "z"), 30),
        (("absent",), 1),
        ((), 1),
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_the_line_of_a_key_is_found(file: Path, path: tuple, line: int, ending: str):
    assert read(file, EXAMPLE.replace("\n", ending)).line(*path) == line


def test_the_data_is_what_tomllib_reads(file: Path):
    document = read(file, EXAMPLE)
    assert document.data == tomllib.loads(EXAMPLE)
    assert document.path == file


def test_a_byte_order_mark_and_a_missing_last_line_end_do_no_harm(file: Path):
    document = read(file, "\ufeff[a]\nb = 1")
    assert document.data == {"a": {"b": 1}}
    assert document.line("a", "b") == 2


_VALUES = st.one_of(
    st.integers(),
    st.sampled_from(['"x"', "'#'", '"""\na = 1\n"""', "[\n1,\n2\n]", "{ a = 1 }", "'''\n[x]\n'''"]),
)


@given(st.lists(st.tuples(st.text(string.ascii_letters, min_size=1), _VALUES, st.booleans())))
def test_every_key_stands_where_its_line_says(tmp_path_factory, rows):
    """Whatever the values look like, the line of each key begins with that key."""
    text = "".join(
        ("# = [\n\n" if comment else "") + f"{key}{n} = {value} # end\n"
        for n, (key, value, comment) in enumerate(rows)
    )
    document = read(tmp_path_factory.getbasetemp() / "lines.toml", text)
    assert len(document.data) == len(rows)
    for key in document.data:
        assert text.splitlines()[document.line(key) - 1].startswith(f"{key} =")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\nb = = 2\n", "line 2, column 5: Invalid value. Found: b = = 2"),
        (
            "a = 1\n\na = 2\n",
            "line 3, column 6: this key stands twice; keep one of the two. Found: a = 2",
        ),
        (
            "[a]\n[b]\n[a]\n",
            "line 3, column 3: this key stands twice; keep one of the two. Found: [a]",
        ),
        ('a = 1\nb = "open', "line 2: the file ends too early: Unterminated string."),
        (
            "a = 1\n<<<<<<< HEAD\nb = 2\n=======\nb = 3\n>>>>>>> new\n",
            "line 2: a merge conflict is left in the file ('<<<<<<< HEAD'). Resolve it.",
        ),
    ],
)
@pytest.mark.parametrize("error", [RecordError, CardError])
def test_what_is_no_toml_is_refused_with_its_line(file: Path, text: str, message: str, error):
    with pytest.raises(error) as caught:
        read(file, text, error)
    assert str(caught.value) == f"{file}, {message}"


def test_a_file_of_another_encoding_is_refused_with_its_line(file: Path):
    file.write_bytes('a = "plain"\nb = "caf\xe9"\n'.encode("latin-1"))
    with pytest.raises(RecordError) as caught:
        read_toml(file, RecordError)
    assert str(caught.value) == f"{file}, line 2: byte 0xe9 is not UTF-8. Save the file as UTF-8."


def test_a_missing_file_and_a_folder_are_refused(file: Path):
    with pytest.raises(RecordError) as caught:
        read_toml(file, RecordError)
    assert str(caught.value) == f"Cannot read {file}: No such file or directory."
    with pytest.raises(RecordError) as caught:
        read_toml(file.parent, RecordError)
    assert str(caught.value) == f"Cannot read {file.parent}: Is a directory."
