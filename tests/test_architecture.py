"""The laws of the house, read off its source."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "edgewise"
FILES = sorted(PACKAGE.rglob("*.py"))
NAMES = [str(path.relative_to(PACKAGE)) for path in FILES]

ORDER = [
    *("bases", "ops", "nn", "models", ("analysis", "data", "training", "io"), "interpret"),
    ("fitting", "physics", "export"),
    "estimators",
    ("cli", "testing", "__main__"),
]
RANK = {name: rank for rank, names in enumerate(ORDER) for name in ([names] if isinstance(names, str) else names)}
FORWARDING = "models/_forwarding.py"  # its methods import when they are called
TOP = {"__init__", "_errors", "_registry", "_optional", "_cache", "_torch_private"}  # what all may use, and the front door


def part_of(module: str) -> str:
    """``edgewise.nn.conv`` to ``nn``."""
    return module.split(".")[1] if "." in module else "__init__"


def imports(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [f"edgewise.{alias.name}" for alias in node.names] if node.module == "edgewise" else [node.module]
            found += names
    return found


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_imports_run_one_way(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if own in TOP:
        return
    assert own in RANK, f"{own} has no place in the order of the house: give it one in this test"
    if str(path.relative_to(PACKAGE)) == FORWARDING:
        return
    for module in imports(ast.parse(path.read_text())):
        part = part_of(module) if module.split(".")[0] == "edgewise" else None
        if part in RANK:
            assert RANK[part] <= RANK[own], f"{path} imports {module}: the arrow runs back"


def test_forwarding_methods_import_when_called():
    tree = ast.parse((PACKAGE / FORWARDING).read_text())
    assert not any(
        name.startswith("edgewise") for node in tree.body if isinstance(node, ast.ImportFrom) for name in imports(node)
    )


def test_the_order_is_found_wanting_where_it_should_be():
    tree = ast.parse("import edgewise.nn\nfrom edgewise import models\nfrom edgewise.cli import main")
    assert [part_of(module) for module in imports(tree)] == ["nn", "models", "cli"]


def test_models_and_below_need_no_more_than_the_core():
    for path in FILES:
        if path.relative_to(PACKAGE).parts[0].removesuffix(".py") in {*TOP, "bases", "ops", "nn", "models"}:
            roots = {module.split(".")[0] for module in imports(ast.parse(path.read_text()))}
            assert not roots & {"lightning", "monai", "torchvision", "sklearn", "scipy", "matplotlib", "PIL", "rich"}, path


BANNED_CALLS = {"eval", "exec", "yaml.load", "torch.nan_to_num", "torch.linalg.lstsq", "pickle.load", "pickle.loads"}
BANNED_METHODS = {"extractall", "nan_to_num", "nan_to_num_"}


def banned(tree: ast.AST) -> list[str]:
    """Calls that run code found in files, write where a file says, or hide that a number is none."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        options = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        unsafe = name == "torch.load" and options.get("weights_only") != "True"
        unsafe |= name.endswith("np.load") and options.get("allow_pickle", "False") != "False"
        if unsafe or name in BANNED_CALLS or name.split(".")[-1] in BANNED_METHODS:
            found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_nothing_unsafe_is_called(path):
    found, modules = banned(ast.parse(path.read_text())), imports(ast.parse(path.read_text()))
    if path.parent.name == "testing":  # contracts copy an object through pickle, which they made themselves
        found = [call for call in found if "pickle.loads(pickle.dumps(" not in call]
        modules = [module for module in modules if module != "pickle"]
    assert not found
    assert not {"pickle", "dill", "cloudpickle", "joblib"} & set(modules)


@pytest.mark.parametrize(
    "line",
    ["torch.load(p)", "torch.load(p, weights_only=False)", "eval(x)", "x.nan_to_num()", "torch.linalg.lstsq(a, b)",
     "archive.extractall(d)", "np.load(p, allow_pickle=True)", "yaml.load(s)"],
)  # fmt: skip
def test_the_search_for_unsafe_calls_finds(line):
    assert banned(ast.parse(line))


def test_weights_only_is_safe():
    assert not banned(ast.parse("torch.load(p, weights_only=True)"))


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_files_are_short(path):
    assert len(path.read_text().splitlines()) <= 250
