"""Fractional gates are used where they make the circuit better, by their published errors."""

from __future__ import annotations

import pytest
from qiskit.circuit import Parameter
from qiskit.circuit.library import RXGate
from qiskit.transpiler import InstructionProperties
from qiskit_ibm_runtime.fake_provider import FakeTorino

from qent_hw.errors import InputError
from qent_hw.hardware.fractional import choose_fractional

PAIR = (92, 99)


def fractional_torino(relative_error):
    """FakeTorino with an rx of the length of its sx and `relative_error` times its error."""
    backend = FakeTorino()
    properties = {
        where: InstructionProperties(
            duration=sx.duration, error=None if relative_error is None else min(1, relative_error * sx.error)
        )
        for where, sx in backend.target["sx"].items()
    }
    backend.target.add_instruction(RXGate(Parameter("θ")), properties)
    return backend


def test_an_rx_as_good_as_one_sx_is_used():
    choice = choose_fractional(FakeTorino(), fractional_torino(1), PAIR)
    assert choice.use
    assert "6 rx" in choice.reason
    assert "11 sx" in choice.reason
    target = FakeTorino().target
    sx1, sx2 = (target["sx"][(qubit,)].error for qubit in PAIR)
    # six sx of the first qubit and five of the second against three rx each
    right = (1 - choice.error_usual) / (1 - choice.error_fractional)
    assert right == pytest.approx((1 - sx1) ** 3 * (1 - sx2) ** 2, rel=1e-9)


def test_an_rx_worse_than_two_sx_is_not():
    choice = choose_fractional(FakeTorino(), fractional_torino(3), PAIR)
    assert not choice.use
    assert choice.error_fractional > choice.error_usual
    assert choice.reason.startswith("fractional gates not used: by published errors")


@pytest.mark.parametrize(
    ("fractional", "complaint"),
    [
        (FakeTorino(), "fake_torino has no fractional gates"),
        (fractional_torino(None), "rx on 92 has no error published"),
        (fractional_torino(1e9), "rx on 92 has the error 1"),
    ],
)
def test_without_a_working_rx_they_are_not(fractional, complaint):
    choice = choose_fractional(FakeTorino(), fractional, PAIR)
    assert not choice.use
    assert complaint in choice.reason


def test_a_pair_that_cannot_be_used_at_all_is_refused():
    with pytest.raises(InputError, match="no two-qubit gate"):
        choose_fractional(FakeTorino(), fractional_torino(1), (0, 99))
