"""The page of a report on classifiers, as a browser lays it out."""

import shutil
from dataclasses import replace

from edgewise.vision import Model, train, write_report
from tests.browser import dead_links, laid_out


def test_nothing_is_wider_than_the_page_and_every_link_is_alive(shapes, recipe, tmp_path):
    root = shutil.copytree(shapes, tmp_path / "mine")
    for number, path in enumerate(sorted((root / "val").rglob("*.png"))):
        path.rename(path.with_name(f"a_patient_whose_name_is_longer_than_most_names_are_{number % 7}_{number}.png"))
    data = replace(recipe.data, root=str(root), options={"channels": 1, "groups": r"(.*?)(_\d+)?"})
    for name, model in (("first", recipe.model), ("second", Model(name="mlp", options={"width": [144, 3]}))):
        train(replace(recipe, data=data, epochs=1, model=model), tmp_path / name, progress=False)
    page = write_report([tmp_path / "first", tmp_path / "second"], tmp_path / "report.html").html
    text = page.read_text()
    assert "7 groups; of so few, they are too narrow" in text
    assert dead_links(page) == []
    assert laid_out(page, tmp_path / "browser") == {360: [], 768: [], 1920: []}
