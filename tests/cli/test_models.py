import pytest

from edgewise.cli import main
from edgewise.models import list_models


@pytest.mark.slow
def test_every_model_is_listed_with_its_parameters_and_purpose(capsys):
    assert main(["models"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()[1:]}
    assert list(lines) == list_models()
    assert "6,356,689" in lines["ukan"]
    assert "27,492,064" in lines["ukan_vanilla"]
    assert "by width" in lines["kan"]
    assert all(len(line.split()) > 4 for line in lines.values())
