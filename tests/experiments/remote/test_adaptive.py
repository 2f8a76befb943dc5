"""An adaptive run as jobs: what a local one leaves, whatever breaks off between its rounds and wherever it goes on."""

from __future__ import annotations

import io
import json
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tomli_w

from qent_hw import Experiment
from qent_hw.errors import InputError
from qent_hw.experiments.adaptive_run import Rounds
from qent_hw.experiments.remote import collecting, rounds, sending
from qent_hw.experiments.remote import folder as folders
from qent_hw.experiments.runcard import load_runcard, parse_runcard
from qent_hw.hardware.ledger import CANCELLED, Ledger
from qent_hw.verdicts.adaptive import OPEN, Decided
from qent_hw.verdicts.adaptive_posterior import Look
from tests.experiments.remote.accounts import check_books
from tests.experiments.remote.processes import Desk
from tests.experiments.test_adaptive_run import check_folder
from tests.ibm_server import serve

CARD = {
    "title": "rounds of jobs",
    "family": "special_four_basis",
    "seed": 3,
    "shots": 64,
    "estimators": ["bell8"],
    "states": {"kind": "random", "n": 30},
    "channel": {"p": [0.1, 0.4, 0.8]},
    "injection": {"kind": "twirl"},
    "backend": {"name": "ibm_loopback", "qubits": [1, 2]},
    "adaptive": {"error_rate": 0.1},
}
N = CARD["states"]["n"]


@pytest.fixture
def card(ibm, tmp_path, monkeypatch):
    # a forecast costs seconds, and is looked at in one test
    monkeypatch.setattr("qent_hw.experiments.remote.forecast.REHEARSED", 3)
    monkeypatch.setattr(collecting, "_FIRST_POLL_S", 0.1)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "card.toml"
    path.write_text(tomli_w.dumps(CARD))
    return path


def check_rounds(folder):
    """What was asked for, came back and was reported is the same, round by round."""
    figures = check_folder(folder, N)
    submission = folders.load(folder)
    counts = submission.counts(folders.load_bits(folder, submission)).values
    assert len(submission.rounds) == len(figures["rounds"])
    for asked, told in zip(submission.rounds, figures["rounds"], strict=True):
        assert len(asked.states) == told["measured"]
    assert counts.sum() == sum(asked.shots.sum() for asked in submission.rounds)
    decided = rounds.decided_so_far(folder, submission)
    estimates = pd.read_parquet(folder / "estimates.parquet")
    reported = estimates.loc[estimates["estimator"] == "adaptive"]
    assert (reported["p_entangled"].to_numpy() == decided.look.p).all()
    return figures


@pytest.mark.parametrize(
    "options",
    [
        ["--injection", "idle", "--batch", "--backend", "ibm_torino_like", "--qubits", "5,6"],
        ["--error-rate", "0.3", "--shots", "32"],
    ],
)
def test_as_typed(call, card, ibm, tmp_path, options):
    status, out, err = call("run", card, "--yes", "--out", "run", *options)
    assert status == 0, err
    figures = check_rounds(tmp_path / "run")
    assert check_books(ibm, tmp_path / "run") == []
    assert 0 < figures["share_of_fixed"] < 1
    assert not figures["stopped_early"]
    assert f"of {N} decided at an error rate of {figures['error_rate']:g}" in out
    assert "round 1 is measured, looking at 30 states" in err
    assert "rehearsed on 3 simulated states" in err
    jobs = json.loads(call("jobs", "run", "--json")[1])["runs"][0]["jobs"]
    assert len(jobs) == len(figures["rounds"])
    # one batch for all rounds, closed at the end
    sessions = {one["session_id"] for one in ibm.jobs() if one["id"] in {job["id"] for job in jobs}}
    assert len(sessions) == 1
    assert (sessions != {None}) == ("--batch" in options)


def test_submitted_and_collected_bit_by_bit(call, card, ibm, tmp_path):
    """Each call takes the run as far as it can be without waiting."""
    assert call("submit", card, "--yes", "--out", "run")[0] == 0
    path, planned = tmp_path / "run", [1]
    while True:
        settled(ibm, path)
        # what is sent in a call is not done in the same one
        ibm.fate(queue_s=1e6)
        status, _, err = call("collect", "run")
        ibm.clear()
        ibm.release()
        if status == 0:
            break
        assert status == 3
        assert "not complete yet" in err
        planned.append(len(folders.load(path).rounds))
    assert planned == list(range(1, len(planned) + 1))
    assert len(planned) > 2
    check_rounds(path)
    check_books(ibm, path)
    # again: nothing is sent, and the report is the same
    before, jobs = (path / "comparison.json").read_bytes(), len(ibm.jobs())
    assert call("collect", "run")[0] == 0
    assert (path / "comparison.json").read_bytes() == before
    assert len(ibm.jobs()) == jobs


def settled(ibm, path):
    """Wait until the service has nothing of the run left to do."""
    with folders.open_ledger(path) as ledger:
        run = ledger.run
    end = time.monotonic() + 60
    while any(one["status"] in ("Queued", "Running") for one in ibm.jobs(run)):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_settings_with_shots_of_their_own_are_jobs_of_their_own(call, card, ibm, tmp_path):
    card.write_text(tomli_w.dumps({**CARD, "adaptive": {"error_rate": 0.1, "spread": "shared"}}))
    assert call("run", card, "--yes", "--out", "run")[0] == 0
    check_rounds(tmp_path / "run")
    check_books(ibm, tmp_path / "run")
    submission = folders.load(tmp_path / "run")
    shots = [{submission.pubs[piece.pub].shots for piece in job} for job in submission.jobs]
    assert all(len(one) == 1 for one in shots)
    # as few as there are numbers of shots in a round
    wanted = sum(len(np.unique(asked.shots[asked.shots > 0])) for asked in submission.rounds)
    assert len(shots) == wanted


class KilledError(BaseException):
    """A process ends here, and does nothing any more."""


def kill(*_arguments, **_options):
    raise KilledError


def then_kill(call):
    def broken_off(*arguments, **options):
        call(*arguments, **options)
        raise KilledError

    return broken_off


POINTS = (
    (rounds, "_keep_look", kill),
    (rounds, "_keep_look", then_kill(rounds._keep_look)),
    (folders, "add_round", kill),
    (folders, "add_round", then_kill(folders.add_round)),
    (collecting, "send", kill),
    (collecting, "finish", kill),
)


def test_broken_off_anywhere_between_rounds_it_goes_on_with_the_same_rounds(call, card, tmp_path, monkeypatch):
    """Before and after each thing that is written between two rounds, against a run that nobody disturbed.

    Services of their own number their jobs alike, so that the same jobs give the same counts; what the run says must
    then be the same, to the last bit.
    """
    found = []
    for name, points in (("undisturbed", ()), ("broken off", POINTS)):
        with serve() as own:
            for key, value in own.environment(tmp_path).items():
                monkeypatch.setenv(key, value)
            assert call("submit", card, "--yes", "--out", name)[0] == 0
            for point in points:
                with monkeypatch.context() as patched:
                    patched.setattr(*point)
                    with pytest.raises(KilledError):
                        collecting.collect(tmp_path / name, sending_service(), wait_s=60)
            found.append(collecting.collect(tmp_path / name, sending_service(), wait_s=60))
            check_rounds(tmp_path / name)
            assert check_books(own, tmp_path / name) == []
    first, other = found
    assert len(first.comparison["adaptive"]["rounds"]) >= 4
    pd.testing.assert_frame_equal(other.counts, first.counts, check_exact=True)
    pd.testing.assert_frame_equal(other.estimates, first.estimates, check_exact=True)
    assert other.comparison == first.comparison


def sending_service():
    from qent_hw.hardware.ibm.service import connect

    return connect()


def test_killed_at_random_it_is_finished_with_every_job_run_once(tmp_path):
    """SIGKILL at random moments of collecting, which is most often while it looks or waits."""
    rng = np.random.default_rng(np.random.SeedSequence(11))
    folder = tmp_path / "desk"
    folder.mkdir()
    (folder / "card.toml").write_text(tomli_w.dumps(CARD))
    with serve() as ibm:
        desk = Desk(ibm, folder, tmp_path / "home")
        assert desk.call("submit", "card.toml", "--out", "run", "--yes").status == 0
        kills = 0
        for _ in range(8):
            running = desk.start("collect", "run", "--wait", "--quiet")
            running.process.join(rng.uniform(0.3, 2.5))
            ended = running.kill()
            assert ended.status in (0, -signal.SIGKILL), ended
            kills += ended.status != 0
        ended = desk.call("collect", "run", "--wait", "--quiet")
        assert ended.status == 0, ended
        assert kills >= 2
        check_rounds(folder / "run")
        check_books(ibm, folder / "run")
        left = [path.name for path in (folder / "run" / folders.ROUNDS).iterdir() if path.name.startswith(".")]
        assert left == []


def test_it_ends_where_the_allowed_seconds_do(call, card, ibm, tmp_path):
    status, out, _ = call("run", card, "--yes", "--out", "run", "--max-qpu-seconds", "7.5")
    assert status == 0
    figures = check_rounds(tmp_path / "run")
    assert figures["stopped_early"]
    assert figures["undecided"] > 0
    assert "its next round would have gone beyond the QPU seconds allowed" in out
    assert "beyond the QPU seconds allowed" in (tmp_path / "run" / "report.html").read_text().replace("\n", " ")
    submission = folders.load(tmp_path / "run")
    assert submission.cost.total_s <= 7.5
    check_books(ibm, tmp_path / "run")
    # with more allowed it goes on where it was
    before = len(submission.rounds)
    status, out, _ = call("submit", card, "--yes", "--out", "run", "--max-qpu-seconds", "60")
    assert status == 0
    assert "ends where 60 QPU seconds do" in out
    assert call("collect", "run", "--wait")[0] == 0
    figures = check_rounds(tmp_path / "run")
    assert not figures["stopped_early"]
    assert len(figures["rounds"]) > before
    assert call("submit", card, "--yes", "--out", "other", "--max-qpu-seconds", "1")[0] == 2
    assert not (tmp_path / "other").exists()


def test_a_batch_that_is_closed_meanwhile_is_followed_by_another(call, card, ibm, tmp_path):
    assert call("submit", card, "--yes", "--out", "run", "--batch")[0] == 0
    settled(ibm, tmp_path / "run")
    with folders.open_ledger(tmp_path / "run") as ledger:
        first = ledger.about["batch"]
    service = sending_service()
    batch = service.batch(first)
    assert batch is not None
    service.close_batch(batch)
    assert service.batch(first) is None
    assert service.batch("s-nobody-knows") is None
    assert call("collect", "run", "--wait")[0] == 0
    check_rounds(tmp_path / "run")
    with folders.open_ledger(tmp_path / "run") as ledger:
        second = ledger.about["batch"]
    assert second != first
    assert service.batch(second) is None
    ours = {job.job_id for job in open_jobs(tmp_path / "run")}
    assert {one["session_id"] for one in ibm.jobs() if one["id"] in ours} == {first, second}


def open_jobs(path):
    with folders.open_ledger(path) as ledger:
        return ledger.jobs()


def test_a_job_of_a_round_that_was_lost_is_sent_again_if_asked(call, card, ibm, tmp_path):
    ibm.fate()
    ibm.fate(ends="Failed", reason="the machine says no")
    status, _, err = call("run", card, "--yes", "--out", "run")
    assert status == 3
    assert "job 1 is failed" in err
    assert not (tmp_path / "run" / "report.html").exists()
    assert call("collect", "run", "--wait", "--again")[0] == 0
    check_rounds(tmp_path / "run")


@pytest.fixture
def alone(card, tmp_path, monkeypatch):
    """A service that no other test has left jobs at."""
    with serve() as handle:
        for key, value in handle.environment(tmp_path).items():
            monkeypatch.setenv(key, value)
        yield handle


def test_what_was_charged_counts_against_the_limit(call, card, alone, tmp_path):
    """What attempts are charged for where the service says so, and what they were thought to take where not."""
    alone.fault("GET /jobs/{id}/metrics", status=404, times=None)
    alone.fate(ends="Failed", reason="internal error", times=None)
    status, _, err = call("run", card, "--yes", "--out", "run", "--max-qpu-seconds", "6")
    assert status == 2
    assert "max-qpu-seconds = 6: the jobs need about 2.5 QPU seconds, after 5.0 that were spent" in err
    with folders.open_ledger(tmp_path / "run") as ledger:
        assert [(job.state, job.attempt) for job in ledger.jobs()] == [("planned", 3)]
        assert ledger.used_s() is None
    alone.clear()
    assert call("submit", card, "--yes", "--out", "run", "--max-qpu-seconds", "60")[0] == 0
    assert call("collect", "run", "--wait")[0] == 0
    check_rounds(tmp_path / "run")
    # jobs that fail are charged for nothing here, and all rounds as the service reckons
    before = alone.settings()["consumed_s"]
    alone.fate(ends="Failed", reason="internal error", times=2)
    assert call("run", card, "--yes", "--out", "other", "--max-qpu-seconds", "20")[0] == 0
    check_rounds(tmp_path / "other")
    told = json.loads((tmp_path / "other" / "provenance.json").read_text())["qpu_seconds"]
    assert told["charged"] == pytest.approx(alone.settings()["consumed_s"] - before)
    # the service leaves the circuits out
    assert told["charged"] == pytest.approx(told["estimated"], rel=0.05)
    with folders.open_ledger(tmp_path / "other") as ledger:
        assert ledger.jobs()[0].attempt == 3
        assert ledger.spent([100.0] * 50) == pytest.approx(told["charged"])


def test_price_and_forecast(call, card, ibm, tmp_path, monkeypatch):
    """The forecast of 100 rehearsed states holds what a run of 300 took, within 4.9 standard deviations and a round
    (false alarm 1e-6), and the first round costs on the pair alone what it costs on the whole device."""
    monkeypatch.setattr("qent_hw.experiments.remote.forecast.REHEARSED", 100)
    card.write_text(tomli_w.dumps({**CARD, "states": {"kind": "random", "n": 300}}))
    assert call("submit", card, "--dry-run", "--out", "run")[0] == 0
    submission = folders.load(tmp_path / "run")
    told = submission.forecast
    local = Experiment.load(card).run("aer:fake_manila", adaptive=True)
    shots = local.measured.shots.sum(axis=1)
    each_s = (told.most_s - 2 * told.most_rounds) / (300 * 256)
    took = each_s * shots.sum() + 2 * len(local.adaptive.rounds)
    assert abs(told.seconds - took) < 4.9 * told.seconds_sd + 2
    assert told.seconds_sd < 0.2 * told.seconds
    assert told.seconds < told.most_s
    assert each_s == pytest.approx(250e-6, rel=0.05)
    assert told.fixed_s == pytest.approx(300 * 256 * each_s + 2)
    backend = sending_service().backend("ibm_loopback")
    from qent_hw.hardware.jobs import estimate_cost

    whole = estimate_cost(submission.jobs, submission.pubs, backend.target, submission.rep_delay_s)
    assert submission.cost.jobs_s == pytest.approx(whole.jobs_s)


def test_the_rule_is_that_of_a_local_run(call, card, ibm, tmp_path):
    """By jobs as by a simulator of the same device: mean shots of a state agree within 4.9 standard errors of the
    difference (false alarm 1e-6), and each state has as many as a number of rounds gives."""
    card.write_text(tomli_w.dumps({**CARD, "states": {"kind": "random", "n": 200}}))
    assert call("run", card, "--yes", "--out", "run")[0] == 0
    counts = pd.read_parquet(tmp_path / "run" / "counts.parquet")
    outcomes = ["n_pp", "n_pm", "n_mp", "n_mm"]
    remote = counts.assign(shots=counts[outcomes].sum(axis=1)).groupby("state")["shots"].sum().to_numpy()
    local = Experiment.load(card).run("aer:fake_manila", seed=3).measured.shots.sum(axis=1)
    # the same states in both: their differences scatter by the shots alone
    difference = remote - local
    assert abs(difference.mean()) < 4.9 * difference.std() / np.sqrt(len(difference))
    # the states that take long are the same, if not in every case: 0.40, and 0.08 lies five standard errors below
    assert np.corrcoef(remote, local)[0, 1] > 0.08
    runcard = load_runcard(tmp_path / "run" / "runcard.toml")
    assert set(np.unique(remote)) <= set(Rounds.of(runcard, runcard.adaptive).totals)


def test_a_ledger_is_extended_once(tmp_path):
    with Ledger.create(tmp_path / "ledger.sqlite", "run-a", 2, {}) as ledger:
        moved = ledger.move(ledger.jobs()[1], "sending")
        for _ in range(2):
            ledger.extend(4)
            assert [job.number for job in ledger.jobs()] == [0, 1, 2, 3]
        ledger.extend(3)
        assert len(ledger.jobs()) == 4
        assert ledger.jobs("sending") == [moved]
        assert [entry.what for entry in ledger.history() if entry.number == 3] == ["planned"]
        assert len({job.tag for job in ledger.jobs()}) == 4


def test_price_of_a_run_that_was_begun_counts_what_is_left(card, tmp_path):
    service, runcard = sending_service(), load_runcard(card)
    submission = sending.prepare(tmp_path / "run", runcard, service)
    sending.keep(tmp_path / "run", submission)
    first, forecast = submission.cost.total_s, submission.forecast
    new = sending.quote(tmp_path / "run", submission, service, 5.0)
    assert (new.n_jobs, new.planned_s, new.spent_s, new.limit_s) == (1, pytest.approx(first), 0, 5.0)
    assert new.further_s == pytest.approx(max(0, forecast.seconds - first))
    with folders.open_ledger(tmp_path / "run") as ledger:
        sending.approve(ledger, "job", 5.0)
        sent = ledger.move(ledger.move(ledger.jobs()[0], "sending"), "sent", job_id="x")
    left = sending.quote(tmp_path / "run", submission, service)
    # what was allowed before still is, and no more
    assert (left.n_jobs, left.planned_s, left.spent_s, left.limit_s) == (0, 0, pytest.approx(first), 5.0)
    assert left.further_s == new.further_s
    # an attempt that failed was paid for too
    with folders.open_ledger(tmp_path / "run") as ledger:
        ledger.move(ledger.move(sent, "failed"), "planned")
    again = sending.quote(tmp_path / "run", submission, service)
    assert (again.n_jobs, again.spent_s) == (1, pytest.approx(first))
    with pytest.raises(InputError, match=f"{first:.1f} QPU seconds, after {first:.1f} that were spent"):
        sending.check_price(replace(again, limit_s=1.5 * first))
    sending.check_price(replace(again, limit_s=2.1 * first, remaining_s=1.2 * first))
    with pytest.raises(InputError, match="let it end where --max-qpu-seconds does"):
        sending.check_price(replace(again, limit_s=None, remaining_s=1.1 * first, further_s=20.0))


@pytest.mark.parametrize("spread", ["most", "even", "shared"])
def test_the_price_if_no_state_is_decided_is_not_exceeded(card, tmp_path, monkeypatch, spread):
    """Of every split of shots that 500 posteriors may ask for, priced as jobs."""
    monkeypatch.setattr("qent_hw.experiments.remote.forecast.REHEARSED", 2)
    wanted = {**CARD, "states": {"kind": "random", "n": 500}, "adaptive": {"error_rate": 1e-9, "spread": spread}}
    runcard = parse_runcard(wanted, "test")
    submission = sending.prepare(tmp_path / "run", runcard, sending_service())
    most = submission.forecast.most_s
    going, rng = rounds.rounds_of(submission), np.random.default_rng(np.random.SeedSequence(5))
    decided = Decided.nothing(500, 4)
    for place, total in enumerate(going.totals):
        if place:
            submission = submission.asking(going.next_asked(decided))
        shots = submission.rounds[-1].shots
        counts = decided.counts.copy()
        counts[..., 0] += shots
        look = replace(Look.empty(500, 4), told=rng.dirichlet([0.3] * 4, size=500))
        decided = decided.seen(decided.open, counts, look, np.full(500, OPEN), total)
    assert (decided.shots == going.cap).all()
    assert submission.cost.total_s <= most * (1 + 1e-9)
    assert submission.cost.total_s > 0.6 * most


def test_cancelled_it_asks_for_no_more_and_can_be_reported_or_taken_up(call, card, ibm, tmp_path):
    assert call("submit", card, "--yes", "--out", "run")[0] == 0
    settled(ibm, tmp_path / "run")
    assert call("cancel", "run")[0] == 0
    jobs = len(ibm.jobs())
    assert call("collect", "run", "--wait")[0] == 0
    figures = check_rounds(tmp_path / "run")
    assert (len(figures["rounds"]), figures["stopped_early"], len(ibm.jobs())) == (1, True, jobs)
    assert call("submit", card, "--yes", "--out", "run")[0] == 0
    # now while a job waits: it ends with the round before
    ibm.fate(queue_s=1e6, times=None)
    assert call("collect", "run")[0] == 3
    assert call("cancel", "run")[0] == 0
    assert call("collect", "run", "--wait")[0] == 0
    figures = check_folder(tmp_path / "run", N)
    assert (len(figures["rounds"]), figures["stopped_early"]) == (1, True)
    ibm.clear()
    # and in a round whose job fails meanwhile, with the network gone for a moment
    assert call("submit", card, "--yes", "--out", "run")[0] == 0
    assert states(tmp_path / "run") == ["done", "sent"]
    settled(ibm, tmp_path / "run")
    ibm.fate(ends="Failed", reason="internal error", queue_s=1e6)
    assert call("collect", "run")[0] == 3
    with folders.open_ledger(tmp_path / "run") as ledger:
        ledger.note(CANCELLED, "before the network went")
    ibm.release()
    settled(ibm, tmp_path / "run")
    jobs = len(ibm.jobs())
    assert call("collect", "run", "--wait")[0] == 0
    assert states(tmp_path / "run") == ["done", "done", "cancelled"]
    assert len(check_folder(tmp_path / "run", N)["rounds"]) == 2
    assert len(ibm.jobs()) == jobs
    assert call("collect", "run", "--wait", "--again")[0] == 0
    assert not check_rounds(tmp_path / "run")["stopped_early"]


def states(path):
    return [job.state for job in open_jobs(path)]


def test_a_damaged_folder_does_not_keep_its_jobs_from_being_cancelled(call, card, ibm, tmp_path):
    ibm.fate(queue_s=1e6)
    assert call("submit", card, "--yes", "--out", "run")[0] == 0
    (tmp_path / "run" / "circuits.qpy").write_bytes(b"")
    assert call("cancel", "run")[0] == 0
    assert states(tmp_path / "run") == ["cancelled"]


def test_what_goes_on_spending_is_asked_for(call, card, ibm, tmp_path, monkeypatch):
    """A run that ended at its limit goes on only with a larger one, and with a yes."""
    assert call("run", card, "--yes", "--out", "run", "--max-qpu-seconds", "5")[0] == 0
    jobs = len(ibm.jobs())
    status, out, _ = call("submit", card, "--yes", "--out", "run", "--max-qpu-seconds", "2")
    # nothing is planned that would be sent
    assert status == 0
    assert "ends where 2 QPU seconds do" in out
    monkeypatch.setattr("sys.stdin", Person("n\n"))
    status, _, err = call("run", card, "--out", "run", "--max-qpu-seconds", "60")
    assert status == 0
    assert "nothing was sent" in err
    assert len(ibm.jobs()) == jobs


class Person(io.StringIO):
    """Somebody at a terminal."""

    def isatty(self):
        return True


def test_files_that_were_lost_or_damaged(call, card, ibm, tmp_path, monkeypatch):
    """A look can be made again, from what was known at the time; anything else ends in one line that names the file.
    Jobs are as they were sent, however another version would cut them."""
    assert call("run", card, "--yes", "--out", "run")[0] == 0
    path, jobs = tmp_path / "run", len(ibm.jobs())
    said = {name: (path / name).read_bytes() for name in ("comparison.json", "counts.parquet", "estimates.parquet")}
    number = len(folders.load(path).rounds)
    assert number > 3
    monkeypatch.setattr("qent_hw.hardware.jobs.MOST_ROWS", 7)
    looks = [path / "rounds" / f"{k}-seen.npz" for k in (1, 3)]
    with np.load(looks[0]) as file:
        np.savez(looks[0], **{name: file[name][:1] for name in file.files})
    status, _, err = call("collect", "run")
    assert (status, "1-seen.npz" in err, "remove it and collect again" in err) == (2, True, True)
    for one in looks:
        one.unlink()
    assert call("collect", "run")[0] == 0
    assert all((path / name).read_bytes() == content for name, content in said.items())
    assert len(ibm.jobs()) == jobs
    for name, damage in DAMAGES:
        copy = tmp_path / "copy"
        shutil.copytree(path, copy)
        damage(copy / name)
        status, _, err = call("collect", "copy")
        assert status == 2, (name, err)
        assert name in err, err
        if not name.endswith("-seen.npz") and "raw" not in name:
            status, _, err = call("submit", card, "--yes", "--out", "copy")
            assert (status, name in err) == (2, True), err
        shutil.rmtree(copy)
    assert len(ibm.jobs()) == jobs


def cut(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def shorten(path):
    with np.load(path) as file:
        np.savez(path, **{name: file[name][:-1] for name in file.files})


def without_key(path):
    content = json.loads(path.read_text())
    del content[sorted(content)[-1]]
    path.write_text(json.dumps(content))


DAMAGES = (
    ("plan.json", cut),
    ("plan.json", without_key),
    ("plan.json", Path.unlink),
    ("plan.npz", cut),
    ("plan.npz", Path.unlink),
    ("device.json", cut),
    ("device.json", without_key),
    ("device.json", Path.unlink),
    ("circuits.qpy", cut),
    ("circuits.qpy", lambda path: path.write_bytes(b"")),
    ("provenance.json", cut),
    ("rounds/2.npz", cut),
    ("rounds/2.npz", shorten),
    ("rounds/2.npz", Path.unlink),
    ("rounds/2-seen.npz", cut),
    ("raw/job-1.npz", cut),
    ("raw/job-1.npz", shorten),
)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--max-qpu-seconds", "inf"], "must be a finite number of seconds"),
        (["--jobs", "3"], "an adaptive run has one for each round; leave out --jobs"),
    ],
)
def test_options_that_do_not_go_with_it(call, card, tmp_path, options, complaint):
    status, _, err = call("submit", card, "--yes", "--out", "run", *options)
    assert (status, complaint in err) == (2, True)
    assert not (tmp_path / "run").exists()


def test_a_file_of_ones_own_may_not_be_called_as_the_folders_are(call, card, tmp_path):
    (tmp_path / "device.json").write_text("{}")
    status, _, err = call("submit", card, "--yes", "--out", "run", "--record", tmp_path / "device.json")
    assert status == 2
    assert "give yours another name" in err
    assert not (tmp_path / "run").exists()
