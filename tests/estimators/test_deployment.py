"""An ONNX file of an estimator takes rows as they are, and gives what the estimator gives."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from edgewise.estimators import KANClassifier, KANRegressor
from edgewise.export import to_onnx

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
QUICK = {"hidden": (2,), "penalty": 1e-2, "steps": 3, "starts": 1, "random_state": 0}


def written(estimator, path):
    to_onnx(estimator, None, path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    told = session.get_modelmeta().custom_metadata_map
    return session, told["task"], json.loads(told["input"]), json.loads(told["output"])


def rows(count=120):
    draw = np.random.default_rng(0)
    return pd.DataFrame({"T [K]": draw.uniform(200, 400, count), "p": draw.uniform(1e5, 3e5, count)})


def test_targets_in_their_units(tmp_path):
    x = rows()
    y = np.c_[1e3 * np.sin(x["T [K]"] / 50), x["p"] / 7]
    model = KANRegressor(**QUICK).fit(x, y)
    session, task, given, made = written(model, tmp_path / "model.onnx")
    assert (task, given["columns"], given["dtype"], made["targets"]) == ("regression", ["T [K]", "p"], "float64", 2)
    np.testing.assert_allclose(given["scaler"]["mean"], x.mean())
    np.testing.assert_allclose(given["scaler"]["scale"], x.std(ddof=0))
    for count in (1, 5, 120):
        (found,) = session.run(["y"], {"x": x.to_numpy()[:count]})
        np.testing.assert_allclose(found, model.predict(x[:count]), rtol=1e-8)


@pytest.mark.parametrize("classes", [["no", "yes"], [1, 5, 7]])
def test_classes_by_their_logits(tmp_path, classes):
    x = rows()
    y = np.array(classes)[pd.qcut(x["p"], len(classes), labels=False)]
    model = KANClassifier(**QUICK | {"steps": 2}).fit(x, y)
    session, task, _, made = written(model, tmp_path / "model.onnx")
    (logits,) = session.run(["logits"], {"x": x.to_numpy()})
    assert (task, made["classes"]) == ("classification", classes)
    if made["decision"] == "threshold":
        chosen = (1 / (1 + np.exp(-logits[:, 0])) > made["threshold"]).astype(int)
    else:
        chosen = logits.argmax(1)
    assert [made["classes"][number] for number in chosen] == model.predict(x).tolist()


def test_it_must_be_fitted(tmp_path):
    with pytest.raises(NotFittedError):
        to_onnx(KANRegressor(), None, tmp_path / "model.onnx")
