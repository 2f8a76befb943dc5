"""Two-qubit physics on batches: states, noise channels, entanglement, settings, features and counts. NumPy only.

Density matrices are complex128 (..., 4, 4) in the basis |00>, |01>, |10>, |11>; the first qubit is the left one in |ab>
(big-endian). Leading axes are the batch. Equations and tables are those of arXiv:2410.21504v2.
"""

from __future__ import annotations

from qent_hw.physics.channels import dephase, depolarize, relax
from qent_hw.physics.checks import check_density
from qent_hw.physics.counts import Counts, features_from_counts, sample_counts
from qent_hw.physics.entanglement import (
    concurrence,
    is_entangled,
    negativity,
    partial_transpose,
    ppt_min_eigenvalue,
)
from qent_hw.physics.idle import IdleChannel, idle_channel, idled
from qent_hw.physics.measurement import features, outcome_probabilities
from qent_hw.physics.settings import (
    ALL_SETTINGS,
    AXES,
    BELL_SETTINGS,
    FEATURE_SETS,
    FEATURES,
    axis_angles,
    check_features,
    check_settings,
    settings_for,
)
from qent_hw.physics.states import (
    density,
    dirichlet_spectrum,
    general_four_basis,
    random_mixed,
    special_four_basis,
    two_basis,
)

__all__ = [
    "ALL_SETTINGS",
    "AXES",
    "BELL_SETTINGS",
    "FEATURES",
    "FEATURE_SETS",
    "Counts",
    "IdleChannel",
    "axis_angles",
    "check_density",
    "check_features",
    "check_settings",
    "concurrence",
    "density",
    "dephase",
    "depolarize",
    "dirichlet_spectrum",
    "features",
    "features_from_counts",
    "general_four_basis",
    "idle_channel",
    "idled",
    "is_entangled",
    "negativity",
    "outcome_probabilities",
    "partial_transpose",
    "ppt_min_eigenvalue",
    "random_mixed",
    "relax",
    "sample_counts",
    "settings_for",
    "special_four_basis",
    "two_basis",
]
