"""A row of the study of adaptive shots: one way to spend them, on the states of one case."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qent_hw.experiments.comparison import share_error
from qent_hw.verdicts.adaptive import OPEN, Decided

CHOSEN, EVEN, OFTEN = "adaptive", "adaptive, even shares", "adaptive, more looks"
FIXED, MATCHED = "fixed plan", "fixed plan, as many decided"
LOOSER = "fixed plan, looser thresholds"


def row_of(way: str, rate: float, done: Decided, truth: NDArray[np.bool_], cap: int) -> dict[str, Any]:
    """What came of states whose labels are `truth` (n,), with standard errors in `…_se`.

    shots_easy_half: the mean over the half of the states that took fewest. wrong_of_…: of the verdicts that say so, the
    share that is wrong; …_called_…: the share of the states of one kind that got the other verdict.
    """
    shots, n = done.shots, len(truth)
    entangled, separable, open_ = (done.verdict == one for one in ("entangled", "separable", OPEN))
    in_order = np.sort(shots)
    easy, median = in_order[: n // 2], in_order[n // 2 - 1]
    found: dict[str, Any] = {
        "way": way,
        "error rate": rate,
        "states": n,
        "shots_mean": float(shots.mean()),
        "shots_mean_se": float(shots.std() / np.sqrt(n)),
        "share": float(shots.mean() / cap),
        "share_se": float(shots.std() / np.sqrt(n) / cap),
        "shots_easy_half": float(easy.mean()),
        # of the mean of the lower half: what is above counts as at the median
        "shots_easy_half_se": float(2 * np.minimum(shots, median).std() / np.sqrt(n)),
        "looks": float(done.looks.mean()),
    }
    for column, where, of in (
        ("undecided", open_, np.ones(n, bool)),
        ("wrong_of_entangled", ~truth, entangled),
        ("wrong_of_separable", truth, separable),
        ("separable_called_entangled", entangled, ~truth),
        ("entangled_called_separable", separable, truth),
    ):
        hits, number = int((where & of).sum()), int(of.sum())
        found[column] = hits / number if number else float("nan")
        found[f"{column}_se"] = share_error(hits, number) if number else float("nan")
    return found | _for_figures(done, truth)


def _for_figures(done: Decided, truth: NDArray[np.bool_]) -> dict[str, str]:
    """JSON: `_looks`, [look, verdicts after it, wrong ones, how many of them the posterior expected to be wrong];
    `_decided`, [shots, share of the states that are decided by then]; `_counts`, the same of either kind of verdict."""
    doubt = np.minimum(done.look.p, 1 - done.look.p)
    closed, wrong = done.verdict != OPEN, (done.verdict == "entangled") != truth
    looks = []
    for look in np.unique(done.looks):
        at = closed & (done.looks == look)
        looks.append([int(look), int(at.sum()), int((at & wrong).sum()), float(doubt[at].sum())])
    decided = [[int(total), float(((done.shots <= total) & closed).mean())] for total in np.unique(done.shots)]
    counts = {}
    for kind in ("entangled", "separable"):
        called = done.verdict == kind
        counts[kind] = [int(called.sum()), int((called & wrong).sum()), float(doubt[called].sum())]
    return {"_looks": json.dumps(looks), "_decided": json.dumps(decided), "_counts": json.dumps(counts)}
