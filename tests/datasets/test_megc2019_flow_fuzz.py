"""Mutated label files and folders of flow images: a right account or one sentence, nothing else."""

import csv
import io
import re
import shutil
from collections import Counter

import cv2
import numpy as np
import pytest
from fuzzing import mutations
from hypothesis import given
from hypothesis import strategies as st
from trees.megc2019_flow_tree import Sample, label_text, make_tree

from mace.datasets.megc2019_flow.reading import read
from mace.errors import DataError

SAMPLES = [
    Sample("casme2", "sub01", "EP02_01f", 1),
    Sample("casme2", "sub03", "EP01_2", 2),
    Sample("smic", "s01", "s01_ne_01", 0),
    Sample("smic", "s20", "s20_sur_03", 2),
    Sample("samm", "006", "006_5_10", 0),
    Sample("samm", "037", "037_3_2", 0),
]
NAMES = ("negative", "positive", "surprise")
FORM = st.sampled_from(["plain", "blank-lines", "header"])
# No ends of lines: csv.writer would make one row of two.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=6)
CELL = TEXT | st.sampled_from(
    ["", "0", "1", "2", "2.0", "7", "-1", "casme2", "CASME II", "samm", "smic", "sub1", "6", "s1",
     "EP02_01f", "006_5_10", "s1_ne_01", "surprise", ",", ";;;;;;", '"', "\0", "1" * 400]
)  # fmt: skip

BLANK = "\xa0\x85 \t,;\x0b\x0c\x1c\x1d\x1e\x1f"
BYTES = st.binary(max_size=3) | st.sampled_from([b'"', b'""', b",", b"\n", b"\r", b"\0", b"\xff"])


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return make_tree(tmp_path_factory.mktemp("flow"), samples=SAMPLES)


@pytest.fixture(scope="module")
def pictures(tree):
    """What each clip's picture is, as drawn."""
    return {name: cv2.imread(str(path))[..., ::-1] for name, path in tree.images.items()}


def read_or_refuse(root):
    """Read, and check that each row is an image or one drop; None where a sentence refuses."""
    sentence = ""
    try:
        reading = read(root)
    except DataError as error:  # anything else fails the test
        sentence, reading = str(error), None
    if reading is None:
        assert sentence
        assert "\n" not in sentence
        return None
    drops = [change for change in reading.changes if change.kind == "drop"]
    assert reading.rows == len(reading.images) + len(drops)
    assert all(change.reason for change in reading.changes)
    assert all(change.row is not None for change in drops)
    assert len({image.name for image in reading.images}) == len(reading.images)
    assert all(image.class_3 in NAMES for image in reading.images)
    return reading


def lines_in(content: bytes, blank: str) -> int:
    """Lines that hold more than what is `blank`, as an editor would number them."""
    text = content.decode("latin-1").removeprefix("\xef\xbb\xbf").replace("\0", "")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return sum(bool(line.strip(blank)) for line in lines)


@given(
    form=FORM,
    changes=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 6), CELL), max_size=4),
    lost=st.integers(1, 20),
    doubled=st.lists(st.integers(1, 5), max_size=2),
    ending=st.sampled_from(["\n", "\r\n"]),
    delimiter=st.sampled_from(",;\t"),
)
@mutations(150)
def test_mutated_labels(tree, pictures, form, changes, lost, doubled, ending, delimiter):
    cells = list(csv.reader(io.StringIO(label_text(SAMPLES, form))))
    changed = set()
    for row, column, value in changes:
        row %= len(cells)
        cells[row] = [*cells[row], *[""] * (column + 1 - len(cells[row]))]
        cells[row][column] = value
        changed.add(row)
    kept = [line for k, line in enumerate(cells) if k != lost] + [cells[k] for k in doubled]
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, lineterminator=ending).writerows(kept)
    tree.labels.write_bytes(file.getvalue().encode())
    reading = read_or_refuse(tree.root)
    if reading is None:
        assert changed
        return
    if not changed:
        # As many images as rows that are there once or say the same twice.
        assert reading.rows == sum(any(line) for line in kept) - (form == "header")
        assert len(reading.images) == len({tuple(line) for line in kept if any(line)}) - (
            form == "header"
        )
    for image in reading.images:
        # No mutation gives a clip the picture of another one.
        if image.name in pictures:
            assert np.array_equal(image.picture, pictures[image.name])
    # A class that differs from the truth was typed in by a mutation.
    truth = {sample.name: NAMES[sample.label] for sample in SAMPLES}
    differing = [i for i in reading.images if truth.get(i.name) != i.class_3]
    assert len(differing) <= len(changed) * (1 + len(doubled))


@given(
    form=FORM,
    at=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 4), BYTES), max_size=4),
    kept=st.floats(0.2, 1),
)
@mutations(150)
def test_mutated_bytes_of_labels(tree, form, at, kept):
    content = label_text(SAMPLES, form).encode()
    for place, removed, inserted in at:
        k = int(place * len(content))
        content = content[:k] + inserted + content[k + removed :]
    content = content[: int(kept * len(content)) + 1]
    tree.labels.write_bytes(content)
    reading = read_or_refuse(tree.root)
    if reading is not None:
        # No line is swallowed, whatever quotes or signs it holds; one of them may be the header.
        at_most = lines_in(content, BLANK)
        at_least = lines_in(content, BLANK + '"') - 1
        assert at_least <= reading.rows <= at_most


def resized(image):
    return cv2.resize(image, (56, 56))


PIXELS = {
    "resize": resized,
    "gray": lambda image: image[..., 0],
    "deep": lambda image: image.astype(np.uint16) * 257,
    "holes": lambda image: np.dstack([image, image[..., 0]]),
    "opaque": lambda image: np.dstack([image, np.full_like(image[..., 0], 255)]),
}
MISHAP = st.sampled_from(
    ["delete", "empty", "cut", "flip", "junk", "folder", "copy", "rival", "jpeg", "capitals",
     "zeros", "stray", "link", *PIXELS]
)  # fmt: skip


def befall(kind, path, share):
    """Let something happen to a picture."""
    content = path.read_bytes()
    elsewhere = path.parent.parent / "other"
    if kind in ("delete", "folder", "link"):
        path.unlink()
        if kind == "folder":
            path.mkdir()
        elif kind == "link":
            path.symlink_to(path.with_name("nowhere.png"))
    elif kind in ("empty", "cut"):
        path.write_bytes(content[: int(share * len(content)) if kind == "cut" else 0])
    elif kind == "flip":
        k = int(share * (len(content) - 1))
        path.write_bytes(content[:k] + bytes([content[k] ^ 0x55]) + content[k + 1 :])
    elif kind == "junk":
        path.write_bytes(b"GIF89a no picture" * 9)
    elif kind in ("copy", "rival"):
        elsewhere.mkdir(exist_ok=True)
        (elsewhere / path.name).write_bytes(content if kind == "copy" else content + b"more")
    elif kind == "jpeg":
        path.with_suffix(".jpg").write_bytes(b"\xff\xd8\xff\xd9")
    elif kind == "capitals":
        path.rename(path.with_name(path.name.upper().replace(" ", "")))
    elif kind == "zeros":
        path.rename(path.with_name(re.sub(r"\d+", r"00\g<0>", path.name, count=1)))
    elif kind == "stray":
        path.with_name(f"copy of {path.name}").write_bytes(content)
    else:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
        done, data = cv2.imencode(".png", PIXELS[kind](image))
        assert done
        path.write_bytes(data.tobytes())


@given(
    form=FORM,
    mishaps=st.lists(
        st.tuples(MISHAP, st.integers(0, len(SAMPLES) - 1), st.floats(0, 1)),
        max_size=5,
        unique_by=lambda mishap: mishap[1],
    ),
)
@mutations(200)
def test_mishaps_of_pictures(tree, pictures, tmp_path_factory, form, mishaps):
    root = tmp_path_factory.mktemp("f")
    folder = shutil.copytree(tree.labels.parent / "norm_u_v_os", root / "a" / "norm_u_v_os")
    (root / "labels.csv").write_text(label_text(SAMPLES, form))
    spoilt = Counter()
    for kind, k, share in mishaps:
        name = SAMPLES[k].name
        befall(kind, folder / tree.images[name].name, share)
        spoilt[name] += kind not in ("copy", "jpeg", "capitals", "zeros", "stray", "opaque")
    reading = read_or_refuse(root)
    if reading is None:
        assert len(+spoilt) == len(SAMPLES)
        return
    assert reading.rows == len(SAMPLES)
    assert {i.name for i in reading.images} >= {s.name for s in SAMPLES} - set(+spoilt)
    for image in reading.images:
        # What was damaged is never used as if it were whole.
        assert np.array_equal(image.picture, pictures[image.name])
    assert {i.name for i in reading.images} <= {s.name for s in SAMPLES}
