from __future__ import annotations

import numpy as np
import pytest

from qent_hw.errors import InputError
from qent_hw.physics import is_entangled, random_mixed
from qent_hw.physics.spectra import singular_value_spectrum


def test_the_default_gives_the_published_share_of_entangled_states() -> None:
    """40,000 states: standard error 0.25 points, so ±1.3 points has a false-alarm rate of about 2e-7."""
    share = is_entangled(random_mixed(40_000, singular_value_spectrum(), 1), validate=False).mean()
    assert share == pytest.approx(0.427, abs=0.013)


def test_exponent_two_gives_real_wishart_eigenvalues() -> None:
    """The mean purity of G Gᵀ/tr for real N x N Gaussian G is (2N + 1)/(N² + 2): 1/2 at N = 4. Here ± 6 errors."""
    spectrum = singular_value_spectrum(2)(20_000, np.random.default_rng(2))
    np.testing.assert_allclose(spectrum.sum(axis=1), 1, atol=1e-12)
    purity = (spectrum**2).sum(axis=1)
    assert purity.mean() == pytest.approx(0.5, abs=6 * purity.std() / np.sqrt(len(purity)))


def test_a_seed_fixes_the_spectra() -> None:
    law = singular_value_spectrum()
    np.testing.assert_array_equal(law(5, np.random.default_rng(3)), law(5, np.random.default_rng(3)))
    assert law(0, np.random.default_rng(3)).shape == (0, 4)


@pytest.mark.parametrize("exponent", [0, -1.0, np.inf, np.nan, "2", None])
def test_a_bad_exponent_is_named(exponent: object) -> None:
    with pytest.raises(InputError, match="exponent = "):
        singular_value_spectrum(exponent)  # type: ignore[arg-type]
