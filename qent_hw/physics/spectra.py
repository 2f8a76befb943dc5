"""A spectrum law for the general mixed states of arXiv:2410.21504v2, Sec. III.C, which does not state its own.

The paper says ρ = U Λ U† with Haar-random U, about 42% (42.7%) entangled, and no more of Λ. Of some fifty one-parameter
laws, each tuned to 42.7%, this one came nearest to the published figures of the paper's networks. It is a stand-in that
fits, not the paper's law: nothing says that the authors drew Λ so.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qent_hw.errors import InputError
from qent_hw.physics.states import Spectrum

PAPER_LIKE_EXPONENT = 1.283


def singular_value_spectrum(exponent: float = PAPER_LIKE_EXPONENT) -> Spectrum:
    """A spectrum for `random_mixed`: powers of the singular values of a real 4 x 4 Gaussian matrix, normalised.

    λ_i ∝ s_i^exponent. At exponent 2 they are the eigenvalues of a real Wishart matrix G Gᵀ / tr (G Gᵀ). The singular
    values repel each other, so spectra differ less in purity than Dirichlet's; the smallest is often near zero. The
    default gives 42.7% entangled states. Raises InputError for an exponent that is not positive and finite.
    """
    if not np.isscalar(exponent) or isinstance(exponent, str) or not 0 < exponent < np.inf:
        raise InputError(f"exponent = {exponent!r}: must be one positive finite number")

    def draw(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        powers = np.linalg.svd(rng.standard_normal((n, 4, 4)), compute_uv=False).astype(np.float64) ** exponent
        normalised: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
        return normalised

    return draw
