"""Mutants that must be killed: faults that tests once let pass, and the constants that steer the search for formulas.

Each is text that stands once in the package, and what to put in its place; so files may move.
"""

from tests.mutation.mutate import Mutant

NAMED = {
    "a mask from fresh memory": ("self.mask.fill_(True)", "pass"),
    "the later of two equal epochs is best": ("scores[self.score] > self.best", "scores[self.score] >= self.best"),
    "a resumed run keeps the lines after its checkpoint": ("read_metrics()[:done]", "read_metrics()"),
    "scales of nodes from fresh memory": ('nn.init.constant_(numbers, name.endswith("scale"))', "pass"),
    "a step goes by the value of the expansion": ("self.value() < value", "self.value() <= value"),
    # how an edge is known
    "weight where no samples are": ("EVEN_SHARE = 0.05", "EVEN_SHARE = 0.5"),
    "no weight where no samples are": ("EVEN_SHARE = 0.05", "EVEN_SHARE = 0.0"),
    "how well a spline is known": ("FLOOR = 1e-9  # of the variance", "FLOOR = 1e-8  # of the variance"),
    "what is the same but for rounding": ("64 * torch.finfo(x.dtype).eps * size", "640 * torch.finfo(x.dtype).eps * size"),
    # how a function is fitted to it
    "the steepest start": ("torch.arange(2.25, 30.1, 0.25)", "torch.arange(2.25, 15.1, 0.25)"),
    "the farthest start": ("SHIFTS = torch.linspace(-10, 10, 41)", "SHIFTS = torch.linspace(-1, 1, 41)"),
    "how close starts are": ("SHIFTS = torch.linspace(-10, 10, 41)", "SHIFTS = torch.linspace(-10, 10, 4)"),
    "bands of slopes": ("-2.0, 0.0, 2.0, float", "0.0, float"),
    "steps of polishing": ("STEPS = 30\n", "STEPS = 3\n"),
    "what varies by rounding alone": ("ROUNDING = 1e-11", "ROUNDING = 1e-10"),
    # which function is taken
    "twice the least error": ("FACTORS = (2.0, 10.0, 100.0)", "FACTORS = (20.0, 10.0, 100.0)"),
    "ten times the least error": ("FACTORS = (2.0, 10.0, 100.0)", "FACTORS = (2.0, 1.0, 100.0)"),
    "a hundred times the least error": ("FACTORS = (2.0, 10.0, 100.0)", "FACTORS = (2.0, 10.0, 10.0)"),
    "a thousandth of the variance": ("LEVELS = (1e-3, 1e-2, 0.1)", "LEVELS = (1e-2, 1e-2, 0.1)"),
    "a hundredth of the variance": ("LEVELS = (1e-3, 1e-2, 0.1)", "LEVELS = (1e-3, 0.1, 0.1)"),
    "a tenth of the variance": ("LEVELS = (1e-3, 1e-2, 0.1)", "LEVELS = (1e-3, 1e-2, 1.0)"),
    "constants that cancel": ("LARGEST = 1e6", "LARGEST = 1e7"),
    "attempts that go on": ("KEPT = 2", "KEPT = 1"),
    # how the network is found
    "what is constant": ("SAME = 10", "SAME = 100"),
    "the strongest penalty": ("STRENGTHS = (3e-2,", "STRENGTHS = (3e-1,"),
    "rows held back": ("HELD_BACK = 0.2", "HELD_BACK = 0.02"),
    "what a weaker penalty must gain": ("GAIN = 0.8", "GAIN = 0.9"),
    "rows enough to ask": ("ENOUGH = 50", "ENOUGH = 500"),
    "nearly as good a share": ("MUCH, LITTLE = 1.1, 1e-4", "MUCH, LITTLE = 1.3, 1e-4"),
    "nearly as good by so much": ("MUCH, LITTLE = 1.1, 1e-4", "MUCH, LITTLE = 1.1, 1e-3"),
    "digits of a constant": ("DIGITS = 4  # of a constant", "DIGITS = 40  # of a constant"),
    "error that rounding may add": ("SHARE = 0.01  # of a formula's", "SHARE = 0.1  # of a formula's"),
}


def named(sources: dict[str, str]) -> dict[str, Mutant]:
    """The mutants by name.

    Args:
        sources: The files of the package, by path.

    Raises:
        LookupError: The text of a mutant stands nowhere, or more than once: the package has changed, and so must NAMED.
    """
    found = {}
    for name, (before, after) in NAMED.items():
        places = [(path, source) for path, source in sources.items() for _ in range(source.count(before))]
        if len(places) != 1:
            raise LookupError(f"{before!r} of the mutant {name!r} stands {len(places)} times in the package: mend NAMED")
        ((path, source),) = places
        start = source.index(before)
        line = source[:start].count("\n") + 1
        code = source.splitlines()[line - 1].strip()
        found[name] = Mutant(path, len(source[:start].encode()), before, after, name, "", line, code)
    return found
