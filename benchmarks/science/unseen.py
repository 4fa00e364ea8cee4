"""Laws from many fields, fixed before anything was run on them, and on none of them anything was tried before.

Ranges and constants as they are met in the field. Facts of textbooks, written down anew. What is changed because one of
them fails must be right for its kind.
"""

from benchmarks.science.formulas import Range, families, on

Laws = dict[str, tuple[str, dict[str, Range]]]

PHYSICS: Laws = {
    "doppler": ("f*sqrt((1 + b)/(1 - b))", {"f": (1, 10), "b": (-0.8, 0.8)}),
    "kinetic": ("m*c**2*(1/sqrt(1 - v**2/c**2) - 1)", {"m": (1, 5), "c": (3, 10), "v": (1, 2)}),
    "langevin": ("1/tanh(m*B/T) - T/(m*B)", {"m": (1, 5), "B": (1, 5), "T": (1, 5)}),
    "falling": ("v*tanh(9.81*t/v)", {"v": (5, 60), "t": (0, 10)}),
    "radiation": ("5.67e-8*e*A*(T**4 - S**4)", {"e": (0.1, 1), "A": (1, 5), "T": (320, 600), "S": (250, 310)}),
}
CHEMISTRY: Laws = {
    "nernst": ("E + 8.314*T/(96485*n)*log(a/b)", {"E": (-1, 1), "T": (280, 350), "n": (1, 3), **on("a b", 0.01, 1)}),
    "rate": ("2.5*T**0.7*exp(-1200/T)", {"T": (300, 2000)}),
    "consecutive": ("A*k/(m - k)*(exp(-k*t) - exp(-m*t))", {"A": (1, 5), "k": (0.1, 1), "m": (1.2, 3), "t": (0, 10)}),
    "adsorption": ("q*b*p/(1 + b*p + 0.7*s)", {"q": (1, 10), "b": (0.1, 2), "p": (0, 10), "s": (0, 5)}),
}
PHARMACOLOGY: Laws = {
    "emax": ("5 + 40*c**1.8/(c**1.8 + 8.1)", {"c": (0, 20)}),
    "two-compartments": ("6*exp(-1.5*t) + 2.5*exp(-0.2*t)", {"t": (0, 10)}),
    "oral": ("1.26*D/V*(exp(-0.25*t) - exp(-1.2*t))", {"D": (50, 500), "V": (10, 50), "t": (0, 24)}),
}
ECOLOGY: Laws = {
    "holling": ("a*N**2/(1 + a*h*N**2)", {"a": (0.1, 1), "h": (0.1, 2), "N": (0, 10)}),
    "theta-logistic": ("r*N*(1 - (N/K)**1.5)", {"r": (0.1, 2), "N": (1, 50), "K": (20, 100)}),
    "gompertz": ("8*exp(-3*exp(-0.4*t))", {"t": (0, 12)}),
    "light": ("P*i/o*exp(1 - i/o)", {"P": (1, 10), "i": (0, 1000), "o": (100, 500)}),
}
ENGINEERING: Laws = {
    "friction": ("0.25/log(e/3.7 + 5.74/R**0.9)**2", {"e": (1e-4, 0.05), "R": (5e3, 1e5)}),
    "log-mean": ("(a - b)/log(a/b)", {"a": (20, 80), "b": (1, 15)}),
    "impedance": ("V/sqrt(R**2 + (w*L - 1/(w*C))**2)", {"V": (1, 10), "R": (1, 5), **on("w L C", 0.5, 2)}),
}
ECONOMICS: Laws = {
    "substitution": ("(0.3*K**0.6 + 0.7*L**0.6)**(1/0.6)", {"K": (1, 20), "L": (1, 20)}),
    "annuity": ("P*r/(1 - (1 + r)**(-n))", {"P": (100, 1000), "r": (0.01, 0.12), "n": (5, 30)}),
}
STATISTICS: Laws = {
    "normal": ("exp(-((x - m)/s)**2/2)/(s*sqrt(2*pi))", {"x": (-3, 3), "m": (-1, 1), "s": (1, 3)}),
    "logit": ("1/(1 + exp(-(0.5 + 1.2*x - 0.8*z)))", on("x z", -3, 3)),
    "weibull": ("1 - exp(-(t/3)**1.7)", {"t": (0, 10)}),
}

UNSEEN = families(
    {
        "Physics": PHYSICS,
        "Chemistry": CHEMISTRY,
        "Pharmacology": PHARMACOLOGY,
        "Ecology": ECOLOGY,
        "Engineering": ENGINEERING,
        "Economics": ECONOMICS,
        "Statistics": STATISTICS,
    }
)
