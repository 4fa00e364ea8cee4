import numpy as np
import pytest
from PIL import Image

from edgewise.cli import main
from edgewise.vision.data import Sample
from edgewise.vision.segmentation.predict import Predictor

pytestmark = pytest.mark.slow


def test_each_picture_gets_its_mask_and_one_that_cannot_be_read_is_told(run, pictures, tmp_path, capsys):
    picture, missing = pictures / "images" / "p03.png", pictures / "images" / "nope.png"
    assert main(["predict", str(run), str(picture), str(missing), "--out", str(tmp_path)]) == 1
    output = capsys.readouterr()
    assert output.err.startswith("edgewise: error: ")
    assert str(missing) in output.err
    assert "1 of 2 masks" in output.out
    expected = Predictor.from_run(run)(Sample("p03", picture).read_image())
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "p03_mask.png")), 255 * expected.numpy())


def test_all_pictures_read_is_success(run, pictures, tmp_path, capsys):
    assert main(["predict", str(run), str(pictures / "images" / "p03.png"), "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().err == ""


def test_no_picture_is_an_error(run, tmp_path, capsys):
    assert main(["predict", str(run), "--out", str(tmp_path)]) == 1
    assert "no picture given" in capsys.readouterr().err


def test_a_folder_is_all_pictures_in_it(run, pictures, tmp_path, capsys):
    assert main(["predict", str(run), str(pictures / "images"), "--out", str(tmp_path / "all")]) == 0
    assert "20 of 20 masks" in capsys.readouterr().out
    assert len(list((tmp_path / "all").glob("*_mask.png"))) == 20
    assert main(["predict", str(run), str(pictures), "--out", str(tmp_path / "none")]) == 1
    assert f"{pictures} holds no pictures" in capsys.readouterr().err
