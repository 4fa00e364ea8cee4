"""Laws of textbooks, written down when the search was done, and run once; nothing was changed after it.

They tell what to expect of a law that nobody has tried: the other lists were looked at while the search was made.
"""

from benchmarks.science.formulas import families, on

TEXTBOOK = families(
    {
        "Law": {
            "snell": ("asin(n*sin(t)/m)", {"n": (1, 1.4), "m": (1.5, 2.5), "t": (0.1, 1.4)}),
            "manning": ("R**(2/3)*sqrt(S)/n", {"R": (0.2, 5), "S": (0.0005, 0.02), "n": (0.01, 0.05)}),
            "bernoulli": ("p + 0.5*d*v**2 + 9.81*d*h", {"p": (1, 100), "d": (0.7, 1.3), "v": (0, 10), "h": (0, 10)}),
            "hindered": ("V*s/(K*(1 + i/2) + s)", {"V": (1, 10), "K": (0.5, 5), "i": (0, 8), "s": (0.1, 20)}),
            "logistic": ("120/(1 + 11*exp(-0.35*t))", {"t": (0, 20)}),
            "absorption": ("I*exp(-e*c*l)", {"I": (1, 10), "e": (0.1, 1), "c": (0.1, 2), "l": (0.5, 2)}),
            "momentum": ("m*v/sqrt(1 - v**2/c**2)", {"m": (1, 5), "v": (1, 2), "c": (3, 10)}),
            "lens": ("1/(1/f - 1/d)", {"f": (1, 3), "d": (5, 20)}),
            "pendulum": ("2*pi*sqrt(l/g)", {"l": (0.1, 3), "g": (1.6, 25)}),
            "charging": ("V*(1 - exp(-t/(R*C)))", {"V": (1, 12), "R": (1, 5), "C": (0.5, 2), "t": (0, 10)}),
            "allometry": ("3.4*M**0.74 + 0.6", {"M": (0.02, 100)}),
            "interest": ("P*(1 + r)**n", {"P": (100, 1000), "r": (0.01, 0.1), "n": (1, 30)}),
            "parallel": ("c + a*b/(a + b)", on("a b c", 1, 10)),
            "vapour": ("exp(20.4 - 5100/T)", {"T": (280, 370)}),
            "height": ("g*(R/(R + h))**2", {"g": (5, 25), "R": (3, 8), "h": (0, 2)}),
            "tides": ("1.2*sin(0.51*t + 0.4) + 0.45*sin(1.37*t - 1.1) + 2", {"t": (0, 40)}),
            "braking": ("v/(1 + k*v*t)", {"v": (5, 40), "k": (0.01, 0.2), "t": (0, 10)}),
            "reduced-mass": ("sqrt(k*(m + n)/(m*n))/(2*pi)", {"k": (10, 500), "m": (1, 20), "n": (1, 20)}),
            "beam": ("5*w*l**4/(384*E*J)", {"w": (1, 10), "l": (1, 6), "E": (70, 210), "J": (0.5, 5)}),
            "fringes": ("I*cos(pi*d*x/w)**2", {"I": (1, 5), "d": (0.5, 2), "x": (-1, 1), "w": (0.8, 3)}),
            "titration": ("4.76 + log(x/(1 - x))/2.302585", {"x": (0.02, 0.98)}),
            "seasons": ("15 + 9*cos(2*pi*(d - 201)/365)*exp(-0.3*z)", {"d": (0, 365), "z": (0, 6)}),
            "yield": ("a + b*N - 0.012*N**2", {"a": (1, 4), "b": (0.5, 2), "N": (0, 60)}),
            "hardening": ("450 + 320*e**0.22", {"e": (0.001, 0.4)}),
        }
    }
)
