import pytest

from edgewise._ground.errors import CheckpointError
from edgewise._ground.folders import make_folder


def test_a_folder_is_made_once_and_found_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / "a" / "b", "c/d", "c"):
        assert make_folder(path).is_dir()
        assert make_folder(path).is_dir()


def test_what_cannot_be_a_folder_is_named(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "a" / "b"):
        with pytest.raises(CheckpointError, match=r"since .*file is a file: choose another name"):
            make_folder(path)
    with pytest.raises(CheckpointError, match=r"cannot make the folder .* \(.*\): choose another"):
        make_folder("/proc/none/such")
