"""Results that are not what was asked for are refused by name: the client lets truncated ones through."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit.primitives import PrimitiveResult, SamplerPubResult
from qiskit.primitives.containers import BitArray, DataBin

from qent_hw.hardware.ibm.sampler import METADATA_KEY, WrongResultError, checked_bits, counts_of_bits

NAME = "run-0-1"


def pub_result(rows=3, shots=8, bits=2, name=NAME, register="c"):
    pattern = np.random.default_rng(1).integers(0, 2**bits, (rows, shots, 1)).astype(np.uint8)
    data = DataBin(**{register: BitArray(pattern, bits)}, shape=(rows,))
    return SamplerPubResult(data, {} if name is None else {"circuit_metadata": {METADATA_KEY: name}})


def test_a_right_result_gives_its_bits():
    result = PrimitiveResult([pub_result(3), pub_result(2)])
    first, second = checked_bits(result, [3, 2], 8, NAME)
    assert first.shape == (3, 8)
    assert second.shape == (2, 8)
    np.testing.assert_array_equal(first, result[0].data.c.array[..., 0])


def test_shots_rounded_up_by_the_service_are_cut_to_those_asked_for():
    (bits,) = checked_bits(PrimitiveResult([pub_result(shots=16)]), [3], 10, NAME)
    assert bits.shape == (3, 10)
    assert counts_of_bits(bits).sum() == 30


def test_a_service_that_gives_no_metadata_back_is_trusted():
    assert len(checked_bits(PrimitiveResult([pub_result(name=None)]), [3], 8, NAME)) == 1


@pytest.mark.parametrize(
    ("result", "complaint"),
    [
        (None, "no measured bits but NoneType"),
        ("text", "no measured bits but str"),
        ({"results": []}, "no measured bits but dict"),
        (PrimitiveResult([]), "0 PUBs instead of 1"),
        (PrimitiveResult([pub_result(), pub_result()]), "2 PUBs instead of 1"),
        (PrimitiveResult([pub_result(rows=2)]), r"shape \(2,\) of 2 bits instead of \(3,\)"),
        (PrimitiveResult([pub_result(bits=3)]), "of 3 bits"),
        (PrimitiveResult([pub_result(shots=7)]), "7 shots instead of 8"),
        (PrimitiveResult([pub_result(name="run-1-1")]), "another circuit .run-1-1 instead of run-0-1"),
        (PrimitiveResult([pub_result(register="meas")]), "no measured bits"),
    ],
)
def test_a_wrong_result_is_refused_by_name(result, complaint):
    with pytest.raises(WrongResultError, match=complaint):
        checked_bits(result, [3], 8, NAME)


def test_the_first_qubit_is_in_the_lowest_bit():
    """Patterns 0, 1, 2, 3 are ++, −+, +−, −−: bit 0 is the first qubit, and 0 is outcome +1."""
    np.testing.assert_array_equal(
        counts_of_bits(np.array([[0] * 1 + [1] * 2 + [2] * 3 + [3] * 4], np.uint8)), [[1, 3, 2, 4]]
    )
