"""Picture sets: the tutorial's ten, sets of one's own, and mistakes in them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from PIL import Image

from inception_harness.errors import PictureError, StoreError
from inception_harness.pictures import built_in_sets, find_picture_set, read_picture_set
from inception_harness.store import Store
from tests.loopback import serve

ROLES = [
    "panda",
    "parrot",
    "parrot-top",
    "parrot-middle",
    "parrot-tail",
    "parrot-padded",
    "portrait",
    "portrait-small",
    "portrait-bow-tie",
    "portrait-sunglasses",
]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def set_file(tmp_path: Path) -> Path:
    """A set of two pictures beside its file."""
    folder = tmp_path / "mine"
    folder.mkdir()
    rows = []
    for role, colour in (("cat", "red"), ("cat-left", "blue")):
        Image.new("RGB", (8, 6), colour).save(folder / f"{role}.png")
        sha = hashlib.sha256((folder / f"{role}.png").read_bytes()).hexdigest()
        rows.append(f'[pictures.{role}]\nfile = "{role}.png"\ncaption = "A."\nsha256 = "{sha}"\n')
    rows[1] += 'derived_from = "cat"\nderived_by = "cut out"\nsize = 75\nlicence = "CC0-1.0"\n'
    head = 'name = "mine"\ntitle = "Mine"\nlicence = "MIT"\n\n'
    path = folder / "mine.toml"
    path.write_text(head + "\n".join(rows))
    size = (folder / "cat-left.png").stat().st_size
    path.write_text(path.read_text().replace("size = 75", f"size = {size}"))
    return path


def refusal(function, *arguments) -> str:
    with pytest.raises(PictureError) as caught:
        function(*arguments)
    return str(caught.value)


# --- the photos ---------------------------------------------------------------------------------


def test_the_photos_are_the_tutorials_ten(store):
    photos = find_picture_set("photos", store)
    assert list(photos) == ROLES
    assert not photos.shipped
    assert photos.folder == store.home / "pictures" / "photos"
    for picture in photos.pictures.values():
        assert picture.remote.sha256
        assert picture.remote.size
        assert picture.remote.licence
        # Pinned: a commit, never a branch, which could change under the hash.
        owner, _repository, commit = picture.remote.url.removeprefix(
            "https://raw.githubusercontent.com/"
        ).split("/")[:3]
        assert owner in ("Hvass-Labs", "cosimoiaia")
        assert len(commit) == 40
    derived = {p.role: p.derived_from for p in photos.pictures.values() if p.derived_from}
    assert derived == {
        "parrot-top": "parrot",
        "parrot-middle": "parrot",
        "parrot-tail": "parrot",
        "parrot-padded": "parrot",
        "portrait-small": "portrait",
    }


def test_the_hashes_are_those_of_the_files_in_the_store(shared_store):
    store = Store(shared_store)
    photos = find_picture_set("photos", store)
    assert photos.ready(store) is photos
    assert all(photos[role].path.is_file() for role in ROLES)


def test_photos_that_are_not_there_say_how_to_get_them(store):
    with pytest.raises(StoreError) as caught:
        find_picture_set("photos", store).ready(store)
    assert str(caught.value) == (
        f"photos is not complete: {store.home}/pictures/photos lacks cropped_panda.jpg, "
        "parrot.jpg, parrot_cropped1.jpg, parrot_cropped2.jpg, parrot_cropped3.jpg and 5 more. "
        "Run `inception-harness fetch photos` to download what is missing or, if you have a store "
        "elsewhere, set INCEPTION_HARNESS_HOME to its folder (the store is now "
        f"{store.home})."
    )


# --- a set of one's own -------------------------------------------------------------------------


def test_a_set_beside_its_file_is_read(set_file, store):
    mine = find_picture_set(str(set_file), store)
    assert (mine.name, mine.title, mine.shipped) == ("mine", "Mine", True)
    assert mine.fetch(store) is mine
    assert "cat" in mine
    assert "dog" not in mine
    assert mine["cat"].path == set_file.parent / "cat.png"
    assert (mine["cat"].remote.licence, mine["cat-left"].remote.licence) == ("MIT", "CC0-1.0")
    assert mine["cat-left"].derived_by == "cut out"
    assert mine["cat"].expected is None


def test_a_set_with_addresses_is_fetched_into_the_store(set_file, store):
    with serve(set_file.parent) as server:
        text = set_file.read_text()
        for role in ("cat", "cat-left"):
            text = text.replace(
                f'file = "{role}.png"', f'file = "{role}.png"\nurl = "{server}/{role}.png"'
            )
        set_file.write_text(text)
        mine = find_picture_set(str(set_file), store).fetch(store, progress=False)
        assert mine.folder == store.home / "pictures" / "mine"
        assert mine["cat"].path.read_bytes() == (set_file.parent / "cat.png").read_bytes()
        assert sorted(server.requests) == ["/cat-left.png", "/cat.png"]


def test_a_changed_picture_is_refused(set_file, store):
    (set_file.parent / "cat.png").write_bytes(b"other")
    found = hashlib.sha256(b"other").hexdigest()
    mine = find_picture_set(str(set_file), store)
    with pytest.raises(StoreError) as caught:
        mine.fetch(store)
    assert str(caught.value).startswith(
        f"{set_file.parent}/cat.png is not the file that it should be: expected sha256 "
        f"{mine['cat'].remote.sha256}, found {found}."
    )


def test_a_role_that_is_unknown_gets_the_near_ones(set_file, store):
    photos = find_picture_set("photos", store)
    assert refusal(photos.__getitem__, "parot-tail") == (
        "The picture set 'photos' has no role 'parot-tail'. Near ones: parrot-tail, parrot-top, "
        "parrot-middle."
    )
    mine = find_picture_set(str(set_file), store)
    assert refusal(mine.__getitem__, "zebra") == (
        "The picture set 'mine' has no role 'zebra'. It has: cat, cat-left."
    )


@pytest.mark.parametrize("spec", ["photo", "none.toml"])
def test_a_set_that_is_unknown_is_refused(store, spec):
    assert refusal(find_picture_set, spec, store) == (
        f"There is no picture set {spec!r}. Give one of {', '.join(built_in_sets())}, or the path "
        "of a set's TOML file."
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'title = "Mine"',
            'titel = "x"',
            ", line 2: unknown key 'titel' in the head. Did you mean 'title'?",
        ),
        ('title = "Mine"\n', "", ": the head misses the key 'title'."),
        (
            '"mine"',
            '"../mine"',
            ", line 1: 'name' should be a name of letters, digits, '.', '_' and '-', found "
            "'../mine'.",
        ),
        ('title = "Mine"', "title = 3", ", line 2: 'title' should be of the type str, found 3."),
        (
            'derived_from = "cat"',
            'derived_from = "dog"',
            ", line 14: 'cat-left' derives from 'dog', which is no role of this set.",
        ),
        (
            'derived_by = "cut out"',
            "colour = 1",
            ", line 15: unknown key 'colour' in [pictures.cat-left]. Known here: file, caption, "
            "expected, derived_from, derived_by, url, sha256, size, licence, seed, box.",
        ),
        ('file = "cat.png"\n', "", ", line 5: [pictures.cat] misses the key 'file'."),
        (
            '"cat.png"',
            '"../cat.png"',
            ", line 6: '../cat.png' is not the path of a file inside its folder; expected a "
            "relative path with forward slashes and without '..'.",
        ),
        ("[pictures.cat]\n", "[[pictures.cat]]\n", ", line 5: write [pictures.cat]."),
        ("[pictures.cat]\nfile", "[pictures.cat]\nfile = =", None),
    ],
)
def test_a_mistake_is_told_with_file_and_line(set_file, store, old, new, message):
    text = set_file.read_text()
    assert text.count(old) == 1
    set_file.write_text(text.replace(old, new))
    if message is None:
        message = ', line 6, column 8: Invalid value. Found: file = = = "cat.png"'
    assert refusal(read_picture_set, set_file, store) == f"{set_file}{message}"


def test_a_hash_that_is_none_and_a_set_without_pictures_are_refused(set_file, store):
    text = set_file.read_text()
    sha = text.split('sha256 = "')[1][:64]
    set_file.write_text(text.replace(sha, "ABC"))
    assert refusal(read_picture_set, set_file, store) == (
        f"{set_file}, line 8: 'sha256' should be 64 lower-case hexadecimal digits, found 'ABC'."
    )
    set_file.write_text(text[: text.index("[pictures")])
    assert refusal(read_picture_set, set_file, store) == (
        f"{set_file}: there are no pictures; write [pictures.ROLE] for each."
    )
