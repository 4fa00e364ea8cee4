"""The code of the pages runs."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(("page", "needs"), [("kanify.md", ["timm"]), ("export.md", ["onnx", "onnxruntime", "onnxscript"])])
def test_the_code_of_the_page_runs(page, needs, tmp_path, monkeypatch, capsys):
    for module in needs:
        pytest.importorskip(module)
    monkeypatch.chdir(tmp_path)
    text, found = (DOCS / page).read_text(encoding="utf-8"), {}
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        exec(compile(block, page, "exec"), found)
    if page == "kanify.md":
        (table,) = re.findall(r"```\n(layer.*?)```", text, flags=re.DOTALL)
        assert table in capsys.readouterr().out
        assert found["course"].valid[-1] < 0.5 * found["course"].valid[0]
    else:
        assert found["baked"].exact
        assert sorted(path.name for path in tmp_path.iterdir()) == ["model.onnx", "my-kan", "network.c", "network.py"]
