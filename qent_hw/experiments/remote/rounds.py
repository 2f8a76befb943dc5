"""An adaptive run as jobs, round by round: what came back is looked at, and what the next round asks for is planned.

A round is on disk before any job of it is in the ledger, and what was seen after it before the next is planned. A run
that was stopped, anywhere, so goes on with the rounds that it had, on any machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qent_hw.errors import InputError
from qent_hw.experiments.adaptive_run import Rounds, look_seeds
from qent_hw.experiments.chosen_estimators import posterior_of
from qent_hw.experiments.measuring import Asked
from qent_hw.experiments.remote import folder as folders
from qent_hw.experiments.remote.submission import Submission, settled_record
from qent_hw.experiments.run import Seeds
from qent_hw.hardware.ledger import CANCELLED, Ledger
from qent_hw.seeds import fresh_seed
from qent_hw.verdicts.adaptive import OPEN, Decided
from qent_hw.verdicts.adaptive_posterior import AdaptivePosterior, Look


def decided_so_far(
    path: Path, submission: Submission, looking: Callable[[int, int], None] = lambda number, n: None
) -> Decided:
    """What came of the rounds so far, all of whose results are there; what was not looked at yet is, and kept.

    Parameters
    ----------
    looking
        called with the number of a round, from 1, and that of the states that are about to be looked at.

    Raises
    ------
    InputError
        if a file cannot be read, or the folder cannot be written.
    """
    rounds, bits, posterior = rounds_of(submission), folders.load_bits(path, submission), None
    n, n_settings = len(submission.plan.psi), len(submission.runcard.settings)
    decided, measured, begin = Decided.nothing(n, n_settings), np.zeros((n, n_settings, 4), np.int64), 0
    for place, (asked, end) in enumerate(zip(submission.rounds, submission.ends, strict=True)):
        number, states = place + 1, asked.states
        # what a round after this one gave was not known at its look
        measured += submission.tally(bits[begin:end], begin)
        counts, begin = measured[states], end
        found = _load_look(path, number, asked)
        if found is None:
            looking(number, len(states))
            posterior = posterior_for(submission) if posterior is None else posterior
            look = posterior.look(counts, _rng(submission, number), rounds.rule.in_doubt)
            found = look, rounds.rule.verdicts(look.p, look.effective)
            _keep_look(path, number, *found)
        decided = decided.seen(states, counts, *found, rounds.totals[place])
    return decided


def next_round(path: Path, submission: Submission, ledger: Ledger, decided: Decided) -> bool:
    """Plan the round after those of `decided`: whether there is one. Needs the run's lock.

    There is none when every state is decided or at its cap, when the next would go beyond the limit of QPU seconds, or
    when the run was cancelled.

    Raises
    ------
    InputError
        if the folder cannot be written.
    """
    asked = rounds_of(submission).next_asked(decided)
    if asked is None or CANCELLED in ledger.about:
        return False
    longer, limit = submission.asking(asked), ledger.about.get("limit_s")
    more = longer.cost.total_s - submission.cost.total_s
    if limit is not None and ledger.spent(longer.cost.jobs_s) + more > float(limit):
        return False
    folders.check_space(path, longer)
    folders.add_round(path, longer)
    folders.enter_jobs(path, longer, ledger)
    return True


def may_go_on(path: Path, submission: Submission) -> bool:
    """Whether a round may follow those that are planned, as far as was looked at."""
    rounds = rounds_of(submission)
    if len(submission.rounds) == len(rounds.totals):
        return False
    found = _load_look(path, len(submission.rounds), submission.rounds[-1])
    return found is None or bool((found[1] == OPEN).any())


def rounds_of(submission: Submission) -> Rounds:
    """How an adaptive run goes at most."""
    assert submission.runcard.adaptive is not None
    return Rounds.of(submission.runcard, submission.runcard.adaptive)


def posterior_for(submission: Submission) -> AdaptivePosterior:
    """The posterior by which it looks: of the runcard's family on the device as it was planned for."""
    runcard, plan = submission.runcard, submission.plan
    known = posterior_of(runcard, plan, settled_record(submission), submission.device)
    pool, _ = look_seeds(Seeds.of(runcard).looks)
    return AdaptivePosterior.of(known.source, tuple(runcard.settings), np.random.default_rng(pool))


def _rng(submission: Submission, number: int) -> np.random.Generator:
    # one for each round, so that it does not matter in which process the rounds before were looked at
    _, looks = look_seeds(Seeds.of(submission.runcard).looks)
    return np.random.default_rng(fresh_seed(looks, number))


def _seen(number: int) -> Path:
    return Path(folders.ROUNDS) / f"{number}-seen.npz"


def _keep_look(path: Path, number: int, look: Look, called: NDArray[np.str_]) -> None:
    folders.keep_arrays(path, _seen(number), asdict(look) | {"called": called})


def _load_look(path: Path, number: int, asked: Asked) -> tuple[Look, NDArray[np.str_]] | None:
    """What was seen after a round, and said of its states; None where nobody has looked yet."""
    kept = path / _seen(number)
    if not kept.is_file():
        return None
    n, n_settings = asked.shots.shape
    shapes = {"p": (n,), "effective": (n,), "told": (n, n_settings), "concurrence": (n, 3), "called": (n,)}
    try:
        with np.load(kept, allow_pickle=False) as file:
            arrays = {name: file[name] for name in shapes}
    except folders.UNREADABLE as error:
        raise InputError(f"{kept}: cannot be read: {error}; remove it and collect again") from None
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise InputError(
                f"{kept}: {name} has shape {arrays[name].shape} instead of {shape}; remove it and collect again"
            )
    called = arrays.pop("called")
    return Look(**arrays), called
