"""Names that the function of a baked network may have, so that its file means what it says."""

import builtins
import keyword
import re

from edgewise._ground.errors import ConfigError

_OWN = re.compile(r"spline|[fS]\d\w*")  # what the files define beside the function
_WORDS_OF_C = """
    alignas alignof asm auto bool break case char const constexpr continue default do double else enum extern false float
    for goto if inline int linux long main nullptr register restrict return short signed sizeof static static_assert struct
    switch thread_local true typedef typeof typeof_unqual union unix unsigned void volatile while
"""  # up to C23, and what compilers add of their own
_FUNCTIONS = """
    acos acosh acospi asin asinh asinpi atan atan2 atan2pi atanh atanpi canonicalize cbrt ceil compoundn copysign cos cosh
    cospi dadd ddiv dfma dmul drem dsqrt dsub erf erfc exp exp10 exp10m1 exp2 exp2m1 expm1 fabs fadd fdim fdiv ffma finite
    floor fma fmax fmaximum fmaximum_mag fmaximum_mag_num fmaximum_num fmaxmag fmin fminimum fminimum_mag fminimum_mag_num
    fminimum_num fminmag fmod fmul frexp fromfp fromfpx fsqrt fsub gamma getpayload hypot ilogb isinf isnan j0 j1 jn ldexp
    lgamma llogb llrint llround log log10 log10p1 log1p log2 log2p1 logb logp1 lrint lround modf nan nearbyint nextafter
    nextdown nexttoward nextup pow pow10 pown powr remainder remquo rint rootn round roundeven rsqrt scalb scalbln scalbn
    setpayload setpayloadsig significand sin sincos sinh sinpi sqrt tan tanh tanpi tgamma totalorder totalordermag trunc
    ufromfp ufromfpx y0 y1 yn
"""
_OTHERS = """
    double_t float_t fpclassify INFINITY iscanonical iseqsig isfinite isgreater isgreaterequal isless islessequal
    islessgreater isnormal issignaling issubnormal isunordered iszero math_errhandling MAXFLOAT NAN signbit signgam
"""
_MATH_H = re.compile(  # the functions are there for the other floats, too: expf, expl, expf32x
    rf"({'|'.join(_FUNCTIONS.split())})([fl]|f\d+x?)?(_r)?|{'|'.join(_OTHERS.split())}|SNAN\w*|(FP|HUGE|M|MATH)_\w+"
)


def python_name(name: str) -> str:
    """The name, for a function of a Python module.

    Raises:
        ConfigError: It is no name, or taken.
    """
    return _free(name, "Python", keyword.iskeyword(name) or hasattr(builtins, name) or name in ("numpy", "math", "erf"))


def c_name(name: str) -> str:
    """The name, for a function of a file of C that includes ``math.h``.

    Raises:
        ConfigError: It is no name, or taken.
    """
    reserved = name.startswith("_")
    return _free(name, "C", reserved or name in _WORDS_OF_C.split() or _MATH_H.fullmatch(name) is not None)


def _free(name: str, language: str, taken: bool) -> str:
    if not (name.isascii() and name.isidentifier()):
        raise ConfigError(f"a function cannot be called {name!r}: use letters, digits and underscores")
    if taken or _OWN.fullmatch(name):
        raise ConfigError(
            f"a function cannot be called {name!r}, for {language} or the file has that already: choose another"
        )
    return name
