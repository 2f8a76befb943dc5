"""What several commands' options mean."""

from __future__ import annotations

from qent_hw.errors import InputError


def pair(text: str | None) -> tuple[int, int] | None:
    """The two numbers of `--qubits`."""
    if text is None:
        return None
    try:
        first, second = (int(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"qubits = {text!r}: write two qubit numbers with a comma between, such as 0,1") from None
    return first, second
