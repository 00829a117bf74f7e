import errno
import json

import pytest

from mace.errors import OutputError
from mace.files import append_line, atomic_path, require_space, write_json, write_text


def test_a_file_appears_whole_with_its_folders(tmp_path):
    path = tmp_path / "a" / "b" / "table.json"
    write_json(path, {"größe": [1, None]})
    assert json.loads(path.read_text(encoding="utf-8")) == {"größe": [1, None]}
    assert [p.name for p in path.parent.iterdir()] == ["table.json"]


def test_the_temporary_name_is_hidden_beside_the_file_and_keeps_the_suffix(tmp_path):
    with atomic_path(tmp_path / "image.png") as temporary:
        assert temporary.suffix == ".png"
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(".")
        temporary.write_bytes(b"1")
    assert (tmp_path / "image.png").read_bytes() == b"1"


@pytest.mark.parametrize("error", [ValueError("bad"), KeyboardInterrupt()])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "notes.txt"
    write_text(path, "old")

    def write():
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(type(error)):
        write()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path):
    def write():
        with atomic_path(tmp_path / "big.bin") as temporary:
            temporary.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OutputError, match=r"cannot write .*big\.bin: No space left on device"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write .*file/a\.txt: (Not a dir|File exists)"):
        write_text(tmp_path / "file" / "a.txt", "x")


def test_a_value_that_json_cannot_hold_leaves_nothing(tmp_path):
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"x": object()})
    assert list(tmp_path.iterdir()) == []


def test_space_is_asked_for_beforehand(tmp_path):
    require_space(tmp_path, 1000)
    with pytest.raises(OutputError, match=r"cannot write .*: No space left on device; free some"):
        require_space(tmp_path, 2**60)


def test_lines_are_appended_whole_and_a_torn_one_does_not_swallow_the_next(tmp_path):
    path = tmp_path / "new" / "lines.jsonl"
    append_line(path, "first")
    append_line(path, "second")
    with path.open("ab") as file:
        file.write(b"to")  # what a crash leaves
    append_line(path, "third")
    assert path.read_text() == "first\nsecond\nto\nthird\n"


def test_a_line_that_cannot_be_appended_is_an_output_error(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        append_line(tmp_path / "taken" / "lines.jsonl", "first")
