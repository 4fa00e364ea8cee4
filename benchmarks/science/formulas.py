"""Sixty formulas on which symbolic regression is compared, with their ranges; fixed before anything was run on them.

Facts from the literature, written down anew. Nguyen: Uy et al., Genetic Programming and Evolvable Machines 12 (2011).
Keijzer: EuroGP 2003. Livermore: Mundhenk et al., arXiv:2111.00053. Korns: Genetic Programming Theory and Practice IX, 2011.
Strogatz: right-hand sides of the systems of his book, as La Cava et al. (arXiv:2107.14351) take them. Feynman: Udrescu and
Tegmark, arXiv:1905.11481. Rows are drawn evenly from the ranges, since a comparison needs rows for all alike; where a
source has a lattice or ranges in which the formula is not defined everywhere, the ranges say what is taken here.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgewise.kan.interpret import parse_formula, to_callable

Range = tuple[float, float]
WIDER = 0.2
"""By this share of its width a range grows, in all, where a formula is tried beyond its rows."""


@dataclass(frozen=True)
class Truth:
    """A formula that data is made of.

    Attributes:
        name: Its name in the literature.
        text: The formula, as sympy reads it.
        ranges: Of each variable, by name.
    """

    name: str
    text: str
    ranges: dict[str, Range]

    def rows(self, count: int, seed: int) -> tuple[NDArray, NDArray]:
        """Rows from the ranges, ``(count, variables)``, and what the formula says; where it says nothing, others are drawn.

        Raises:
            ValueError: The formula is defined on less than a tenth of the ranges.
        """
        low, high = np.array(list(self.ranges.values()), dtype=float).T
        x = np.random.default_rng(seed).uniform(low, high, (10 * count, len(low)))
        with np.errstate(all="ignore"):
            y = np.broadcast_to(to_callable(parse_formula(self.text, list(self.ranges)), list(self.ranges))(*x.T), len(x))
        defined = np.isfinite(y).nonzero()[0][:count]
        if len(defined) < count:
            raise ValueError(f"{self.name} is defined at {len(defined)} of {len(x)} rows: narrow its ranges")
        return x[defined], np.array(y[defined], dtype=float)

    def wider(self) -> "Truth":
        """The same formula on ranges that are wider; an end at 0 stays, beyond which roots and logarithms end."""
        ranges = {}
        for name, (low, high) in self.ranges.items():
            more = WIDER * (high - low) / 2
            ranges[name] = (low if low == 0 else max(low - more, low / 2 if low > 0 else -np.inf), high + more)
        return replace(self, ranges=ranges)


def families(tables: dict[str, dict[str, tuple[str, dict[str, Range]]]]) -> dict[str, Truth]:
    """Formulas by the name of their family and their own."""
    return {
        (name := f"{family}-{number}"): Truth(name, *formula)
        for family, formulas in tables.items()
        for number, formula in formulas.items()
    }


def on(names: str, low: float, high: float) -> dict[str, Range]:
    """The same range for each variable."""
    return dict.fromkeys(names.split(), (low, high))


NGUYEN = {
    "1": ("x**3 + x**2 + x", on("x", -1, 1)),
    "2": ("x**4 + x**3 + x**2 + x", on("x", -1, 1)),
    "3": ("x**5 + x**4 + x**3 + x**2 + x", on("x", -1, 1)),
    "4": ("x**6 + x**5 + x**4 + x**3 + x**2 + x", on("x", -1, 1)),
    "5": ("sin(x**2)*cos(x) - 1", on("x", -1, 1)),
    "6": ("sin(x) + sin(x + x**2)", on("x", -1, 1)),
    "7": ("log(x + 1) + log(x**2 + 1)", on("x", 0, 2)),
    "8": ("sqrt(x)", on("x", 0, 4)),
    "9": ("sin(x) + sin(y**2)", on("x y", -1, 1)),
    "10": ("2*sin(x)*cos(y)", on("x y", -1, 1)),
    "11": ("x**y", on("x y", 0, 1)),
    "12": ("x**4 - x**3 + y**2/2 - y", on("x y", -1, 1)),
}
KEIJZER = {
    "1": ("0.3*x*sin(2*pi*x)", on("x", -1, 1)),
    "4": ("x**3*exp(-x)*cos(x)*sin(x)*(sin(x)**2*cos(x) - 1)", on("x", 0, 10)),
    "5": ("30*x*z/((x - 10)*y**2)", {"x": (-1, 1), "y": (1, 2), "z": (-1, 1)}),
    "7": ("log(x)", on("x", 1, 100)),
    "9": ("log(x + sqrt(x**2 + 1))", on("x", 0, 100)),
    "11": ("x*y + sin((x - 1)*(y - 1))", on("x y", -3, 3)),
    "14": ("8/(2 + x**2 + y**2)", on("x y", -3, 3)),
    "15": ("x**3/5 + y**3/2 - y - x", on("x y", -3, 3)),
}
LIVERMORE = {
    "1": ("1/3 + x + sin(x**2)", on("x", -3, 3)),
    "3": ("sin(x**3)*cos(x**2) - 1", on("x", -1, 1)),
    "5": ("x**4 - x**3 + x**2 - y", on("x y", 0, 1)),
    "6": ("4*x**4 + 3*x**3 + 2*x**2 + x", on("x", -1, 1)),
    "7": ("sinh(x)", on("x", -1, 1)),
    "10": ("6*sin(x)*cos(y)", on("x y", 0, 1)),
    "11": ("x**2*y**2/(x + y)", on("x y", 0.1, 1)),
    "12": ("x**5/y**3", {"x": (-1, 1), "y": (0.5, 1)}),
    "13": ("x**(1/3)", on("x", 0, 4)),
    "14": ("x**3 + x**2 + x + sin(x) + sin(x**2)", on("x", -1, 1)),
    "16": ("x**(2/5)", on("x", 0, 4)),
    "22": ("exp(-0.5*x**2)", on("x", -1, 1)),
}
KORNS = {
    "1": ("1.57 + 24.3*v", on("v x", -50, 50)),
    "2": ("0.23 + 14.2*(v + y)/(3*w)", {"v": (-50, 50), "w": (1, 50), "y": (-50, 50)}),
    "3": ("-5.41 + 4.9*(v - x + y/w)/(3*w)", {"v": (-50, 50), "w": (1, 50), "x": (-50, 50), "y": (-50, 50)}),
    "4": ("-2.3 + 0.13*sin(z)", on("z x", -10, 10)),
    "5": ("3 + 2.13*log(w)", on("w x", 0.1, 50)),
    "6": ("1.3 + 0.13*sqrt(x)", on("x y", 0, 50)),
    "7": ("213.80940889*(1 - exp(-0.54723748542*x))", on("x y", 0, 10)),
    "12": ("2 - 2.1*cos(9.8*x)*sin(1.3*w)", {"x": (-1, 1), "w": (-5, 5)}),
}
STROGATZ = {
    "bacres1": ("20 - x - x*y/(1 + 0.5*x**2)", {"x": (1, 20), "y": (1, 20)}),
    "barmag1": ("0.5*sin(x - y) - sin(x)", on("x y", 0, 6)),
    "glider1": ("-0.05*x**2 - sin(y)", {"x": (1, 10), "y": (-3, 3)}),
    "glider2": ("x - cos(y)/x", {"x": (1, 10), "y": (-3, 3)}),
    "lv1": ("3*x - 2*x*y - x**2", on("x y", 0, 5)),
    "predprey1": ("x*(4 - x - y/(1 + x))", on("x y", 0, 5)),
    "shearflow2": ("(cos(y)**2 + 0.1*sin(y)**2)*sin(x)", on("x y", -1.5, 1.5)),
    "vdp1": ("10*(y - (x**3 - x)/3)", on("x y", -2, 2)),
}
FEYNMAN = {
    "I.6.2a": ("exp(-t**2/2)/sqrt(2*pi)", on("t", 1, 3)),
    "I.8.14": ("sqrt((a - b)**2 + (c - d)**2)", {"a": (1, 5), "b": (6, 9), "c": (1, 5), "d": (6, 9)}),
    "I.12.2": ("a*b/(4*pi*e*r**2)", on("a b e r", 1, 5)),
    "I.13.4": ("m*(v**2 + u**2 + w**2)/2", on("m v u w", 1, 5)),
    "I.15.10": ("m*v/sqrt(1 - v**2/c**2)", {"m": (1, 5), "v": (1, 2), "c": (3, 10)}),
    "I.16.6": ("(u + v)/(1 + u*v/c**2)", on("u v c", 1, 5)),
    "I.18.12": ("r*F*sin(t)", {"r": (1, 5), "F": (1, 5), "t": (0, 5)}),
    "I.27.6": ("1/(1/d + n/e)", on("d n e", 1, 5)),
    "I.29.16": ("sqrt(a**2 + b**2 - 2*a*b*cos(s - t))", on("a b s t", 1, 5)),
    "I.40.1": ("n*exp(-m*g*x/(k*T))", on("n m g x k T", 1, 5)),
    "II.6.15b": ("3*p*cos(t)*sin(t)/(4*pi*e*r**3)", {"p": (1, 3), "t": (1, 3), "e": (1, 3), "r": (1, 3)}),
    "II.35.18": ("n/(exp(m*B/(k*T)) + exp(-m*B/(k*T)))", on("n m B k T", 1, 3)),
}

FORMULAS = families(
    {
        "Nguyen": NGUYEN,
        "Keijzer": KEIJZER,
        "Livermore": LIVERMORE,
        "Korns": KORNS,
        "Strogatz": STROGATZ,
        "Feynman": FEYNMAN,
    }
)
