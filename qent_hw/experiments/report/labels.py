"""How a report writes angles, states, numbers and strengths."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

_GREEK = {
    "theta": "θ",
    "phi": "φ",
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "lambda": "λ",
    "lam": "λ",
    "omega": "ω",
}
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_LARGEST_DENOMINATOR = 24


def angle_label(radians: float) -> str:
    """An angle as a multiple of π where it is one ("2π/3", "0", "−π/4"), otherwise a decimal number of radians."""
    multiple = Fraction(radians / math.pi).limit_denominator(_LARGEST_DENOMINATOR)
    if not math.isclose(float(multiple) * math.pi, radians, rel_tol=0, abs_tol=1e-9):
        return signed(radians, 4)
    if multiple == 0:
        return "0"
    sign = "−" if multiple < 0 else ""
    top = "" if abs(multiple.numerator) == 1 else str(abs(multiple.numerator))
    bottom = "" if multiple.denominator == 1 else f"/{multiple.denominator}"
    return f"{sign}{top}π{bottom}"


def parameter_label(name: str) -> str:
    """A parameter's name as a letter: `phi1` is "φ₁"; other names stay as they are."""
    stem = name.rstrip("0123456789")
    digits = name[len(stem) :]
    return _GREEK[stem] + digits.translate(_SUBSCRIPTS) if stem in _GREEK else name


def state_label(parameters: Mapping[str, float]) -> str:
    """A state by its parameters (radians), such as "θ = π/2, φ = π/4"."""
    return ", ".join(f"{parameter_label(name)} = {angle_label(float(value))}" for name, value in parameters.items())


def feature_label(feature: str) -> str:
    """A feature of Table I as an expectation value: `xa` is "⟨xa⟩"."""
    return f"⟨{feature}⟩"


def signed(value: float, digits: int) -> str:
    """A number with a true minus sign, and no minus before what rounds to zero."""
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def thousands(number: int) -> str:
    """A count with its thousands parted: "16,384"."""
    return f"{number:,}"
