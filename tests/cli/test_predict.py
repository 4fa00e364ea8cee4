import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

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


def test_what_is_asked_of_a_fit_is_refused_for_a_run(run, pictures, tmp_path, capsys):
    assert main(["predict", str(run), str(pictures), "--out", str(tmp_path), "--decimal", "comma"]) == 1
    assert "--decimal is comma and" in capsys.readouterr().err


def test_no_picture_is_an_error(run, tmp_path, capsys):
    assert main(["predict", str(run), "--out", str(tmp_path)]) == 1
    assert "no picture given" in capsys.readouterr().err


def test_a_folder_is_all_pictures_in_it(run, pictures, tmp_path, capsys):
    assert main(["predict", str(run), str(pictures / "images"), "--out", str(tmp_path / "all")]) == 0
    assert "20 of 20 masks" in capsys.readouterr().out
    assert len(list((tmp_path / "all").glob("*_mask.png"))) == 20
    assert main(["predict", str(run), str(pictures), "--out", str(tmp_path / "below")]) == 0
    assert "40 of 40 masks" in capsys.readouterr().out
    assert (tmp_path / "below" / "images" / "p03_overlay.png").is_file()
    (tmp_path / "none").mkdir()
    assert main(["predict", str(run), str(tmp_path / "none"), "--out", str(tmp_path / "all")]) == 1
    assert f"{tmp_path / 'none'} holds no pictures" in capsys.readouterr().err


def test_what_is_asked_of_masks_is_done_and_told(run, pictures, tmp_path, capsys):
    words = ["predict", str(run), str(pictures / "images" / "p03.png"), "--out", str(tmp_path)]
    asked = ["--threshold", "0.3", "--smallest", "9", "--largest-component", "True", "--probabilities"]
    assert main([*words, *asked]) == 0
    chances = np.asarray(Image.open(tmp_path / "p03_probability.png")) / 65535
    components, count = ndimage.label(chances > 0.3, np.ones((3, 3)))
    sizes = ndimage.sum_labels(chances > 0.3, components, range(1, count + 1))
    expected = (components == np.argmax(sizes) + 1) if count and sizes.max() >= 9 else np.zeros_like(components)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "p03_mask.png")), 255 * expected)
    assert main([*words, "--smallest", "9", "--smallest", "4"]) == 1
    assert "smallest has the 2 numbers (9, 4) and there are 1 foreground classes" in capsys.readouterr().err


def test_several_runs_are_averaged_and_each_sees_a_picture_turned(run, pictures, tmp_path, capsys):
    picture = pictures / "images" / "p03.png"
    assert main(["predict", str(run), str(run), str(picture), "--out", str(tmp_path), "--tta", "--probabilities"]) == 0
    assert "1 of 1 masks" in capsys.readouterr().out
    predictor, image = Predictor.from_run(run), Sample("p03", picture).read_image()
    seen = []
    for quarters in range(4):
        for flip in (False, True):
            turned = np.ascontiguousarray(np.rot90(image[..., ::-1] if flip else image, quarters, (1, 2)))
            found = np.rot90(predictor.probabilities(turned)[0].numpy(), -quarters)
            seen.append(found[:, ::-1] if flip else found)
    found = np.asarray(Image.open(tmp_path / "p03_probability.png"))
    np.testing.assert_allclose(found / 65535, np.mean(seen, 0), atol=2e-5)
