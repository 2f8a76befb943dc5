"""Angles as people write them: a number, or an expression of numbers and `pi` such as "3*pi/4"."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable

from qent_hw.errors import InputError

_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def angle(value: float | str) -> float:
    """The angle in radians; raises `InputError` for what is neither a finite number nor such an expression."""
    try:
        radians = _evaluate(ast.parse(value, mode="eval").body) if isinstance(value, str) else float(value)
    except (SyntaxError, TypeError, ValueError, ZeroDivisionError, RecursionError, OverflowError):
        radians = math.nan
    if not math.isfinite(radians):
        raise InputError(f"{value!r} is no angle; write a finite number or an expression such as '3*pi/4'")
    return radians


def _evaluate(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number)
        case ast.Name(id="pi"):
            return math.pi
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluate(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _BINARY[type(op)](_evaluate(left), _evaluate(right))
    raise ValueError("not an arithmetic expression of numbers and pi")
