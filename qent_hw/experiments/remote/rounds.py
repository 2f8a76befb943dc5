"""An adaptive run as jobs, round by round: what came back is looked at, and what the next round asks for is planned.

A round is on disk before any job of it is in the ledger, and what was seen after it before the next is planned. A run
that was stopped, anywhere, so goes on with the rounds that it had, on any machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qent_hw.errors import InputError
from qent_hw.experiments.adaptive_run import Rounds, look_seeds
from qent_hw.experiments.chosen_estimators import posterior_of
from qent_hw.experiments.remote import folder as folders
from qent_hw.experiments.remote.submission import Submission, settled_record
from qent_hw.experiments.run import Seeds
from qent_hw.files import write_whole
from qent_hw.hardware.ledger import Ledger
from qent_hw.physics import Counts
from qent_hw.seeds import fresh_seed
from qent_hw.verdicts.adaptive import Decided
from qent_hw.verdicts.adaptive_posterior import AdaptivePosterior, Look


def decided_so_far(path: Path, submission: Submission, measured: Counts) -> Decided:
    """What came of the rounds that were looked at; `measured` are the counts of all.

    Raises
    ------
    InputError
        if a file cannot be read.
    """
    rounds, decided = rounds_of(submission), Decided.nothing(len(submission.plan.psi), len(submission.runcard.settings))
    for number, asked in enumerate(submission.rounds, start=1):
        found = _load_look(path, number)
        if found is None:
            break
        look, called = found
        decided = decided.seen(asked.states, measured.values[asked.states], look, called, rounds.totals[number - 1])
    return replace(decided, counts=measured.values)


def next_round(path: Path, ledger: Ledger, looking: Callable[[int, int], None] = lambda number, n: None) -> bool:
    """Look at what the last round gave, all of whose results are there, and plan the next: whether there is one. Needs
    the run's lock.

    There is none when every state is decided or at its cap, or when the next would go beyond the limit of QPU seconds.

    Parameters
    ----------
    looking
        called with the number of the round, from 1, and that of the states that are about to be looked at.

    Raises
    ------
    InputError
        if a file cannot be read, or the folder cannot be written.
    """
    submission = folders.load(path)
    measured = submission.counts(folders.load_bits(path, submission))
    rounds, decided = rounds_of(submission), decided_so_far(path, submission, measured)
    number = len(submission.rounds)
    if len(decided.rounds) < number:
        states = submission.rounds[-1].states
        looking(number, len(states))
        look = posterior_for(submission).look(decided.counts[states], _rng(submission, number), rounds.rule.in_doubt)
        called = rounds.rule.verdicts(look.p, look.effective)
        _keep_look(path, number, look, called)
        decided = decided.seen(states, decided.counts[states], look, called, rounds.totals[number - 1])
    asked = rounds.next_asked(decided)
    if asked is None:
        return False
    longer, limit = submission.asking(asked), ledger.about.get("limit_s")
    if limit is not None and longer.cost.total_s > float(limit):
        return False
    folders.check_space(path, longer)
    folders.add_round(path, longer)
    ledger.extend(len(longer.jobs))
    return True


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


def _look_path(path: Path, number: int) -> Path:
    return path / folders.ROUNDS / f"{number}-seen.npz"


def _keep_look(path: Path, number: int, look: Look, called: NDArray[np.str_]) -> None:
    arrays: dict[str, Any] = {one.name: getattr(look, one.name) for one in fields(look)} | {"called": called}
    try:
        write_whole(_look_path(path, number), lambda file: np.savez_compressed(file, **arrays))
    except OSError as error:
        raise InputError(f"run {str(path)!r}: cannot be written: {error.strerror or error}; collect again") from None


def _load_look(path: Path, number: int) -> tuple[Look, NDArray[np.str_]] | None:
    """What was seen after a round, and said of its states; None where nobody has looked yet."""
    kept = _look_path(path, number)
    if not kept.is_file():
        return None
    try:
        with np.load(kept, allow_pickle=False) as file:
            return Look(**{one.name: file[one.name] for one in fields(Look)}), file["called"]
    except folders.UNREADABLE as error:
        raise InputError(f"{kept}: cannot be read: {error}; remove it and collect again") from None
