"""The laws of the house, read off its source."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "edgewise"
FILES = sorted(PACKAGE.rglob("*.py"))
NAMES = [str(path.relative_to(PACKAGE)) for path in FILES]
MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES}

FLOORS = [  # from the ground up; rooms of one floor do not know each other
    ("_ground",),
    ("bases",),
    ("ops",),
    ("nn",),
    ("models",),
    ("io",),
    ("analysis", "kan"),
    ("estimators", "export", "physics", "vision"),
    ("cli", "testing"),
    ("__main__",),
]
WINGS = {  # rooms within a room, in the same way
    "kan": [("interpret",), ("fitting", "forms", "tables"), ("discovery",)],
    "vision": [
        ("data",),
        ("training",),
        ("classification", "generation", "segmentation"),
        ("volumes",),
        ("ensembles", "tuning"),
        ("verbs",),
    ],
}
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def imported(tree: ast.AST) -> list[str]:
    """Dotted names that a file asks for, also within functions and for type checkers alone."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def file_of(name: str) -> Path | None:
    """The file of this package that a dotted name stands in."""
    while name:
        if name in MODULES:
            return MODULES[name]
        name = name.rpartition(".")[0]
    return None


ARROWS = {path: {found for name in imported(ast.parse(path.read_text())) if (found := file_of(name))} for path in FILES}


def circles(arrows: dict) -> list[list]:
    """The strongly connected components of more than one node (Tarjan's algorithm)."""
    numbers, lowest, stack, found = {}, {}, [], []

    def visit(node) -> None:
        numbers[node] = lowest[node] = len(numbers)
        stack.append(node)
        for other in arrows.get(node, ()):
            if other not in numbers:
                visit(other)
            if other in stack:
                lowest[node] = min(lowest[node], lowest[other])
        if lowest[node] == numbers[node]:
            place = stack.index(node)
            if len(stack) - place > 1:
                found.append(stack[place:])
            del stack[place:]

    for node in arrows:
        if node not in numbers:
            visit(node)
    return found


def test_no_files_import_each_other_in_a_circle():
    """Name tables too: they stand above the files that they name, since no file asks its own package for a name."""
    assert [[str(path.relative_to(PACKAGE)) for path in circle] for circle in circles(ARROWS)] == []


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_no_file_asks_a_package_that_it_lies_in(path):
    above = {parent / "__init__.py" for parent in path.parents}
    assert not (ARROWS[path] - {path}) & above, "import the file that defines the name"


def room_of(path: Path, inside: str = "") -> str:
    parts = path.relative_to(PACKAGE / inside).with_suffix("").parts
    return parts[0]


@pytest.mark.parametrize("path", [path for path in FILES if path.parent != PACKAGE or path.stem != "__init__"], ids=str)
def test_arrows_run_down(path):
    own = room_of(path)
    assert own in FLOOR, f"{own} has no floor yet: give it one in this test"
    for other in {room_of(target) for target in ARROWS[path] if target != PACKAGE / "__init__.py"} - {own}:
        assert FLOOR[other] < FLOOR[own], f"{path} imports from {other}: the arrow runs back"


@pytest.mark.parametrize("wing", WINGS)
def test_arrows_run_down_within_a_wing(wing):
    floors = {room: floor for floor, rooms in enumerate(WINGS[wing]) for room in rooms}
    for path in FILES:
        if path.is_relative_to(PACKAGE / wing) and (own := room_of(path, wing)) in floors:
            others = {room_of(target, wing) for target in ARROWS[path] if target.is_relative_to(PACKAGE / wing)}
            for other in (others - {own}) & set(floors):
                assert floors[other] < floors[own], f"{path} imports from {wing}/{other}: the arrow runs back"


DISPATCH = {  # name tables, and what reads them
    *("__init__.py", "_ground/optional.py", "_ground/registry.py", "cli/__init__.py"),
}


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_nothing_is_imported_by_a_string(path):
    tree = ast.parse(path.read_text())
    calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    found = [call for call in calls if call.split(".")[-1] in ("import_module", "__import__")]
    assert not found or str(path.relative_to(PACKAGE)) in DISPATCH


def test_the_laws_find_what_breaks_them():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert circles({"a": {"b"}, "b": {"b"}}) == []
    lazy = "def f():\n    from edgewise.nn import linear\nif TYPE_CHECKING:\n    import edgewise.cli"
    assert [file_of(name) for name in imported(ast.parse(lazy))] == [
        PACKAGE / "nn/linear.py",
        PACKAGE / "cli/__init__.py",
    ]
    assert file_of("edgewise.kan.KAN") == PACKAGE / "kan/__init__.py"
    assert file_of("torch.nn") is None


def test_models_and_below_need_no_more_than_the_core():
    heavy = {"lightning", "monai", "torchvision", "sklearn", "scipy", "matplotlib", "PIL", "rich"}
    for path in FILES:
        if room_of(path) in ("bases", "ops", "nn", "models"):
            assert not {name.split(".")[0] for name in imported(ast.parse(path.read_text()))} & heavy, path


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
    found, modules = banned(ast.parse(path.read_text())), imported(ast.parse(path.read_text()))
    if path.parent.name == "testing":  # contracts copy an object through pickle, which they made themselves
        found = [call for call in found if "pickle.loads(pickle.dumps(" not in call]
        modules = [module for module in modules if module != "pickle"]
    assert not found
    assert not {"pickle", "dill", "cloudpickle", "joblib"} & {name.split(".")[0] for name in modules}


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


def test_files_are_short_at_the_median():
    lengths = sorted(len(path.read_text().splitlines()) for path in FILES if path.name != "__init__.py")
    assert lengths[len(lengths) // 2] < 110
