from __future__ import annotations

import numpy as np
import pytest

from qent_hw import physics
from qent_hw.errors import InvalidStateError
from qent_hw.physics import check_density

GOOD = np.eye(4) / 4


def bad_state(kind: str) -> np.ndarray:
    rho = np.array(GOOD, dtype=complex)
    if kind == "trace":
        rho *= 2
    elif kind == "hermitian":
        rho[0, 1] = 0.1
    elif kind == "imaginary diagonal":
        rho[0, 0] += 0.1j
    elif kind == "negative":
        rho = np.diag([0.6, 0.5, -0.1, 0.0]).astype(complex)
    elif kind == "nan":
        rho[1, 2] = rho[2, 1] = np.nan
    elif kind == "inf":
        rho[3, 3] = np.inf
    return rho


REASONS = {
    "trace": "its trace is 2, must be 1",
    "hermitian": "differs from its conjugate transpose by 0.1",
    "imaginary diagonal": "differs from its conjugate transpose by 0.2",
    "negative": "its smallest eigenvalue is -0.1, must not be negative",
    "nan": "NaN or infinite",
    "inf": "NaN or infinite",
}


@pytest.mark.parametrize("kind", REASONS)
def test_says_which_state_and_why(kind: str) -> None:
    with pytest.raises(InvalidStateError, match=r"^rho is no density matrix: .*" + REASONS[kind]):
        check_density(bad_state(kind))
    batch = np.array([GOOD, GOOD, bad_state(kind), bad_state("trace")])
    with pytest.raises(InvalidStateError, match=r"^rho\[2\] .*" + REASONS[kind]):
        check_density(batch)
    with pytest.raises(InvalidStateError, match=r"^rho\[1, 0\] .*" + REASONS[kind]):
        check_density(batch.reshape(2, 2, 4, 4))


def test_finds_a_bad_state_beyond_the_first_block() -> None:
    batch = np.tile(GOOD, (10_000, 1, 1)).astype(complex)
    batch[9_123] = bad_state("negative")
    with pytest.raises(InvalidStateError, match=r"^rho\[9123\]"):
        check_density(batch)


@pytest.mark.parametrize("shape", [(), (4,), (3, 3), (4, 4, 2)])
def test_bad_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidStateError, match=r"must|shape \(\.\.\., 4, 4\)"):
        check_density(np.zeros(shape))


def test_not_numbers() -> None:
    with pytest.raises(InvalidStateError, match="no array of numbers"):
        check_density([["a"] * 4] * 4)


def test_accepts_rounding_errors_and_boundary_states() -> None:
    psi = np.array([0.6, 0.0, 0.0, 0.8])
    noisy = np.outer(psi, psi) + 4e-9 * np.diag([1, -1, 1, -1])
    assert check_density(noisy).dtype == np.complex128
    with pytest.raises(InvalidStateError, match=r"eigenvalue is -4e-08"):
        check_density(np.outer(psi, psi) + 4e-8 * np.diag([1, -1, 1, -1]))
    assert check_density(np.zeros((0, 4, 4))).shape == (0, 4, 4)


def test_memory_layout_does_not_matter() -> None:
    rho = np.array([np.diag([0.1, 0.2, 0.3, 0.4]), GOOD]).astype(complex)
    for view in (np.asfortranarray(rho), np.tile(rho, (2, 1, 1))[::2], np.broadcast_to(GOOD, (3, 2, 4, 4))):
        assert check_density(view).shape == view.shape


@pytest.mark.parametrize(
    "call",
    [
        lambda rho, **kw: physics.dephase(rho, 0.1, **kw),
        lambda rho, **kw: physics.depolarize(rho, 0.1, **kw),
        lambda rho, **kw: physics.relax(rho, 1, 2, 2, **kw),
        physics.partial_transpose,
        physics.ppt_min_eigenvalue,
        physics.negativity,
        physics.concurrence,
        physics.is_entangled,
        physics.features,
        lambda rho, **kw: physics.outcome_probabilities(rho, ["xa"], **kw),
    ],
)
def test_every_public_function_checks_unless_told_not_to(call) -> None:
    bad = np.array([GOOD, bad_state("trace")])
    with pytest.raises(InvalidStateError, match=r"rho\[1\]"):
        call(bad)
    with pytest.raises(InvalidStateError, match=r"shape \(3, 3\)"):
        call(np.eye(3) / 3, validate=False)
    assert len(call(bad, validate=False)) == 2
    assert len(call(np.zeros((0, 4, 4)))) == 0
