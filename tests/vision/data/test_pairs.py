import json
import unicodedata

import pytest

from edgewise._ground.errors import DataError
from edgewise.vision.data import create_dataset
from edgewise.vision.data.pairs import read_pairs

PAIRS = [("a b", "Müller, Ann"), ("c", "2"), ("d", "3")]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_table_is_read_as_spreadsheets_of_any_country_write_it(tmp_path, mark, encoding, end):
    lines = [f'"a b"{mark}"Müller, Ann"', f"c{mark} 2 ", f"d{mark}3{mark}more", mark, ""]
    (tmp_path / "t.csv").write_bytes(end.join(lines).encode(encoding))
    assert read_pairs(tmp_path / "t.csv", "two") == PAIRS


def test_a_comma_in_a_cell_parts_nothing_where_semicolons_do(tmp_path):
    (tmp_path / "t.csv").write_text("a;Smith, Ann\nb;Lee, Bo\n")
    assert read_pairs(tmp_path / "t.csv", "two") == [("a", "Smith, Ann"), ("b", "Lee, Bo")]
    (tmp_path / "t.csv").write_text('"a;1",x\n')
    assert read_pairs(tmp_path / "t.csv", "two") == [("a;1", "x")]
    (tmp_path / "t.csv").write_text("")
    assert read_pairs(tmp_path / "t.csv", "two") == []


def test_what_is_no_table_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "t.csv").write_bytes("a,Müller\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"t\.csv is not in UTF-8 \(invalid start byte at byte 3\): save it as CSV UTF-8"):
        read_pairs(tmp_path / "t.csv", "two")
    (tmp_path / "t.csv").write_text("a b\n")
    with pytest.raises(DataError, match=r"the line \['a b'\] and needs two columns, name and group: part them by a comma"):
        read_pairs(tmp_path / "t.csv", "name and group")
    with pytest.raises(DataError, match=r"cannot be read \(Is a directory\)"):
        read_pairs(tmp_path, "two")


def test_a_picture_in_two_groups_is_refused(save, noise, tmp_path):
    for number in range(3):
        save(f"images/{number}.png", noise(number))
        save(f"masks/{number}.png", noise(number) > 127)
    (tmp_path / "g.csv").write_text("0,a\n1,b\n2,c\n0,c\n")
    with pytest.raises(DataError, match=r"g\.csv puts '0' in two groups, a and c: keep one of them"):
        create_dataset("folder", tmp_path, groups="g.csv")
    (tmp_path / "g.csv").write_text("0,a\n1,b\n2,c\n0,a\n")
    (tmp_path / "dataset.json").write_bytes(b'\xef\xbb\xbf{"labels": {"background": 0, "cell": 1}}')  # as Windows writes it
    (tmp_path / "s.json").write_bytes(b'\xef\xbb\xbf{"train": ["0"], "val": ["1"], "test": ["2"]}')
    dataset = create_dataset("folder", tmp_path, groups="g.csv", split_file="s.json")
    assert ([s.group for s in dataset], dataset.legend.names) == (["a", "b", "c"], ("background", "cell"))


def test_names_are_the_same_however_their_accents_are_written(save, noise, tmp_path):
    forms = [[unicodedata.normalize(form, f"\u00e4{number}") for number in range(3)] for form in ("NFD", "NFC")]
    for mac, other in zip(*forms, strict=True):
        save(f"images/{mac}.PNG", noise(int(other[-1])))
        save(f"masks/{other}.png", noise(int(other[-1])) > 127)
    for names in forms:
        (tmp_path / "g.csv").write_text("".join(f"{name},{name[-1]}\n" for name in names), encoding="utf-8")
        (tmp_path / "s.json").write_text(json.dumps(dict(zip(names, ("train", "val", "test"), strict=True))))
        dataset = create_dataset("folder", tmp_path, groups="g.csv", split_file="s.json")
        assert dataset.ids == tuple(forms[1])
        assert [(sample.group, sample.side) for sample in dataset] == [("0", "train"), ("1", "validation"), ("2", "test")]
