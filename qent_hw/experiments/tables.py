"""The tables of a run: counts and estimates, one row per fact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qent_hw.physics import Counts

if TYPE_CHECKING:
    from qent_hw.estimators import Estimates
    from qent_hw.experiments.judging import Judgement
    from qent_hw.experiments.plan import Plan

OUTCOMES = ("n_pp", "n_pm", "n_mp", "n_mm")


def counts_table(measured: Counts, plan: Plan) -> pd.DataFrame:
    """One row per state and setting: `state`, the parameters, what was injected, `setting`, and `n_pp` … `n_mm`."""
    n_states, n_settings = measured.values.shape[:2]
    columns: dict[str, NDArray[Any]] = {"state": np.repeat(np.arange(n_states), n_settings)}
    for name, values in {**plan.parameters, **plan.strength_columns}.items():
        columns[name] = np.repeat(values, n_settings)
    columns["setting"] = np.tile(np.array(measured.settings), n_states)
    flat = measured.values.reshape(-1, 4)
    columns |= {outcome: flat[:, index] for index, outcome in enumerate(OUTCOMES)}
    return pd.DataFrame(columns)


def estimates_table(
    judged: Judgement, true_entangled: NDArray[np.bool_], true_concurrence: NDArray[np.float64]
) -> pd.DataFrame:
    """One row per state and estimator: what is said of it, and the truth."""
    return pd.concat(
        [
            estimates_frame(name, judged).assign(true_entangled=true_entangled, true_concurrence=true_concurrence)
            for name in judged.estimates
        ],
        ignore_index=True,
    )


def estimates_frame(name: str, judged: Judgement) -> pd.DataFrame:
    """One row per state: what estimator `name` says, calibrated; `call`, what is likelier; `verdict`, at the stated
    error rate; `fit_p`, how well the counts fit what is assumed (no number where that was not tested); and `certified`,
    whether they prove entanglement without that."""
    estimates: Estimates = judged.estimates[name]
    certified = None if judged.certificate is None else judged.certificate.certified
    return pd.DataFrame(
        {
            "state": np.arange(len(estimates.p_entangled)),
            "estimator": name,
            "p_entangled": estimates.p_entangled,
            "p_entangled_low": estimates.p_entangled_low,
            "p_entangled_high": estimates.p_entangled_high,
            "concurrence": estimates.concurrence,
            "concurrence_low": estimates.concurrence_low,
            "concurrence_high": estimates.concurrence_high,
            "call": estimates.verdict,
            "verdict": judged.verdicts[name],
            "fit_p": np.nan if judged.fit_p is None else judged.fit_p,
            "certified": False if certified is None else certified,
        }
    )
