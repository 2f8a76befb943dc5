"""The stand-in for the paper's unstated spectrum law."""

from __future__ import annotations

import numpy as np
import pytest

from qent_hw.errors import InputError
from qent_hw.physics import is_entangled, random_mixed
from qent_hw.physics.spectra import powers_of_uniforms_spectrum, singular_value_spectrum


@pytest.mark.parametrize(("exponent", "columns"), [(1.594, 5), (1.28, 4)])
def test_the_published_share_of_states_is_entangled(exponent: float, columns: int) -> None:
    """40,000 states: standard error 0.25 points, so ±1.3 points has a false-alarm rate of about 2e-7."""
    law = singular_value_spectrum(exponent, columns)
    share = is_entangled(random_mixed(40_000, law, 1), validate=False).mean()
    assert share == pytest.approx(0.427, abs=0.013)


def test_powers_of_uniforms_have_the_published_share_too() -> None:
    share = is_entangled(random_mixed(40_000, powers_of_uniforms_spectrum(1.88), 1), validate=False).mean()
    assert share == pytest.approx(0.427, abs=0.013)


def test_complex_entries_give_induced_states() -> None:
    """Mean purity of states induced by a K-dimensional partner: (4 + K)/(4K + 1). Here ± 6 errors."""
    spectrum = singular_value_spectrum(2, 6, complex_entries=True)(20_000, np.random.default_rng(4))
    purity = (spectrum**2).sum(axis=1)
    assert purity.mean() == pytest.approx(10 / 25, abs=6 * purity.std() / np.sqrt(len(purity)))


@pytest.mark.parametrize("columns", [4, 5, 7])
def test_exponent_two_gives_real_wishart_eigenvalues(columns: int) -> None:
    """The mean purity of G Gᵀ/tr(G Gᵀ) for real Gaussian G, 4 x m, is (4 + m + 1)/(4m + 2). Here ± 6 errors."""
    spectrum = singular_value_spectrum(2, columns)(20_000, np.random.default_rng(2))
    np.testing.assert_allclose(spectrum.sum(axis=1), 1, atol=1e-12)
    purity = (spectrum**2).sum(axis=1)
    expected = (columns + 5) / (4 * columns + 2)
    assert purity.mean() == pytest.approx(expected, abs=6 * purity.std() / np.sqrt(len(purity)))


def test_a_seed_fixes_the_spectra() -> None:
    law = singular_value_spectrum()
    np.testing.assert_array_equal(law(5, np.random.default_rng(3)), law(5, np.random.default_rng(3)))
    assert law(0, np.random.default_rng(3)).shape == (0, 4)


@pytest.mark.parametrize("exponent", [0, -1.0, np.inf, np.nan])
def test_a_bad_exponent_is_named(exponent: float) -> None:
    with pytest.raises(InputError, match="exponent = "):
        singular_value_spectrum(exponent)
    with pytest.raises(InputError, match="exponent = "):
        powers_of_uniforms_spectrum(exponent)


@pytest.mark.parametrize("columns", [3, 4.5])
def test_a_bad_number_of_columns_is_named(columns: float) -> None:
    with pytest.raises(InputError, match="columns = "):
        singular_value_spectrum(columns=columns)  # type: ignore[arg-type]
