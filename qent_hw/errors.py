"""Errors a person can act on: every one is a single line that names the field, the value and what would be right."""

from __future__ import annotations


class QentError(Exception):
    """Root of the errors this package raises on purpose; `exit_status` is what the command line ends with."""

    exit_status = 2


class InputError(QentError, ValueError):
    """Bad input or usage: a runcard, an option, a file, a number out of range (exit status 2)."""


class InvalidStateError(InputError):
    """An array that holds no density matrix (or no normalised amplitudes); says which state and why."""


class InvalidStrengthError(InputError):
    """A noise strength p outside [0, 1], or not a number."""


class InvalidRelaxationError(InputError):
    """T1, T2 or a duration that no qubit can have: non-positive, not finite, or T2 > 2·T1."""


class BackendError(QentError):
    """A backend or network fault: nothing is lost and the run can be taken up again (exit status 3)."""

    exit_status = 3


class ThresholdMissed(QentError):
    """A check was done and what it found is below what was asked for (exit status 4)."""

    exit_status = 4


class Interrupted(QentError):
    """Stopped by the user; what was finished is kept (exit status 130)."""

    exit_status = 130
