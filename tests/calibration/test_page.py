"""The page of a record: complete, self-contained, honest about bad fits, and safe whatever a record says."""

from __future__ import annotations

import base64
import subprocess
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest
from qiskit_aer import AerSimulator

from qent_hw.calibration.calibrate import conclude_calibration, plan_calibration
from qent_hw.calibration.delay import wait_for
from qent_hw.calibration.figures import averages, draw_record
from qent_hw.calibration.joint import JointData
from qent_hw.calibration.joint_fit import NAME as JOINT
from qent_hw.calibration.page import render_page
from qent_hw.calibration.published import published_record
from qent_hw.calibration.record import DeviceRecord, Fit
from qent_hw.hardware.backends import resolve_backend

SHOTS = 1024


@pytest.fixture(scope="module")
def measured():
    backend = resolve_backend("aer:fake_manila", qubits=(4, 3))
    plan = plan_calibration(backend.device)
    simulator = AerSimulator(noise_model=backend.noise_model, method="density_matrix")
    result = simulator.run(list(plan.circuits), shots=SHOTS, seed_simulator=5).result()
    counts = [result.get_counts(place) for place in range(len(plan.circuits))]
    return conclude_calibration(plan, counts, backend.name, backend.device, SHOTS, 5)


@pytest.fixture(scope="module")
def page(measured):
    # as from its file
    return render_page(DeviceRecord.model_validate_json(measured.model_dump_json(by_alias=True)))


@pytest.fixture(scope="module")
def published():
    return published_record("fake_manila", resolve_backend("fake_manila", qubits=(4, 3)).device)


class Page(HTMLParser):
    """Tags with their attributes, the text a reader sees, and the rows of the tables."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.style = "", ""
        self.rows: list[list[str]] = []
        self._in_style = self._in_cell = False
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.text += " " if tag in ("td", "th", "dt", "dd", "br") else ""
        self._in_style, self._in_cell = tag == "style", tag in ("td", "th")
        if tag == "tr":
            self.rows.append([])
        elif self._in_cell:
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self._in_style = False
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data):
        if self._in_style:
            self.style += data
            return
        self.text += data.replace("\u00a0", " ")
        if self._in_cell:
            self.rows[-1][-1] += data.replace("\u00a0", " ")

    def row(self, *start):
        """The cells after those that a row starts with."""
        return next(row[len(start) :] for row in self.rows if tuple(row[: len(start)]) == start)


def changed(record, **fits):
    """The record with some fits changed, by name."""
    new = [fit.model_copy(update=fits[fit.name]) if fit.name in fits else fit for fit in record.fits]
    return record.model_copy(update={"fits": new})


def test_page_holds_the_values_of_the_record_with_their_errors(measured, page):
    seen = Page(page)
    assert "fake_manila, qubits 4 and 3" in seen.text
    assert f"{SHOTS:,} shots for each of {len(measured.counts)} circuits, seed 5" in seen.text
    assert "measured " + measured.date.strftime("%Y-%m-%d %H:%M:%S %z") in seen.text
    assert measured.snapshot in seen.text
    assert measured.idle.evidence in seen.text
    for name, figures, factor in (
        ("T1 (µs)", measured.idle.T1_s, 1e6),
        ("T2 without an echo (µs)", measured.idle.T2_s, 1e6),
        ("detuning (kHz)", measured.idle.detuning_hz, 1e-3),
        ("ZZ coupling of both (kHz)", [measured.idle.zz_hz] * 2, 1e-3),
    ):
        for cell, figure in zip(seen.row(name, JOINT), figures, strict=True):
            value, _, error = cell.replace("−", "-").partition(" ± ")
            # two digits of the error are shown
            assert float(value) == pytest.approx(factor * figure.value, abs=0.06 * factor * figure.error)
            assert float(error) == pytest.approx(factor * figure.error, rel=0.06)
    for name, source in (("T1 (µs)", "T1 experiment"), ("T2* (µs)", "Ramsey"), ("T2 with an echo (µs)", "Hahn echo")):
        assert all("±" in cell for cell in seen.row(name, source))


def test_page_says_how_outcomes_are_read(measured, page):
    seen = Page(page)
    for place, state in enumerate(("++", "+−", "−+", "−−")):
        pairs = zip(measured.readout.assignment[place], measured.readout.errors[place], strict=True)
        assert seen.row(f"read {state}") == [f"{100 * share:.2f} ± {100 * error:.2f}" for share, error in pairs]
    assert "first sign: qubit 4" in seen.text


def test_page_says_how_long_to_wait(measured, page):
    wait = wait_for(measured, 0.5)
    cells = Page(page).row("0.5")
    assert cells[:4] == [f"{1e6 * wait.tau_s:.2f}", f"{wait.delay_dt:,}", f"{wait.p1:.4f}", f"{wait.p2:.4f}"]


def test_every_figure_is_in_the_page_and_loads_nothing(measured, page):
    seen, figures = Page(page), draw_record(measured)
    assert list(figures) == ["decays", "joint", "strengths"]
    images = [attributes for tag, attributes in seen.tags if tag == "img"]
    shown = {base64.b64decode(image["src"].partition(",")[2]).decode() for image in images}
    # drawn again, the same bytes
    assert shown == {picture.svg for picture in figures.values()}
    assert all(len(image["alt"]) > 20 for image in images)
    assert not {tag for tag, _ in seen.tags} & {"script", "link", "iframe", "object", "embed", "base", "form"}
    for _tag, attributes in seen.tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("src") or "data:image/svg+xml").startswith("data:image/svg+xml")
        assert "href" not in attributes
    assert "url(" not in seen.style
    assert "@import" not in seen.style
    for picture in figures.values():
        root = ET.fromstring(picture.svg)
        # text drawn as paths needs no font
        assert not list(root.iter("{http://www.w3.org/2000/svg}text"))
    assert len(page) < 1_000_000


def test_a_good_record_has_no_bad_marks(measured, page):
    assert measured.bad_fits == []
    seen = Page(page)
    assert "bad fit" not in seen.text.lower()
    assert not [attributes for _, attributes in seen.tags if attributes.get("class") == "bad"]


def test_bad_fits_are_marked_wherever_they_show(measured):
    remark = "a time of 40.8 ± 21 µs is not determined"
    bad, none = (
        {"good": False, "remark": remark},
        {"good": False, "figures": {}, "chi2_per_dof": None, "remark": "none"},
    )
    record = changed(measured, **{"T2* (Ramsey)": bad, JOINT: bad, "T1": none})
    record = record.model_copy(update={"fits": [*record.fits[:3], measured.fits[3], *record.fits[4:]]})
    assert len(record.bad_fits) == 4
    seen = Page(render_page(record))
    assert f"T2* (Ramsey), qubit 4: {remark}" in seen.text
    assert f"{JOINT}, qubits 4, 3: {remark}" in seen.text
    first, second = seen.row("T2* (µs)", "Ramsey")
    assert first.endswith(" (bad fit)")
    assert "bad" not in second
    assert seen.row("T1 (µs)", f"{JOINT} (bad fit)")
    assert seen.row("T2* (Ramsey)", "4", "bad")[-1] == remark
    assert len([attributes for tag, attributes in seen.tags if tag == "tr" and attributes.get("class") == "bad"]) == 4
    assert any("T2* (Ramsey) of qubit 4 bad" in (attributes.get("alt") or "") for _, attributes in seen.tags)
    # where no fit was found there is no value either
    assert seen.row("T1", "4", "bad", "–") == ["none"]
    assert not [row for row in seen.rows if row[:2] == ["T1 (µs)", "T1 experiment"]]


def test_a_published_record_has_a_page_without_fits(published):
    seen = Page(render_page(published))
    assert list(draw_record(published)) == ["strengths"]
    assert len([tag for tag, _ in seen.tags if tag == "img"]) == 1
    assert "without a shot: nothing has an error bar" in seen.text
    assert "±" not in seen.text
    assert seen.row("T1 (µs)", "published") == [f"{1e6 * one.value:.4g}" for one in published.idle.T1_s]
    assert seen.row("detuning (kHz)", "assumed") == ["0", "0"]
    assert "How good the fits are" not in seen.text


def test_nothing_in_a_record_becomes_markup_or_a_formula(published):
    hostile = '<script>alert("x")</script> & $\\frac{$ <img src=x onerror=alert(1)>'
    fit = Fit(name=hostile, qubits=[4], good=False, remark=hostile)
    changes = {"device": hostile, "backend": hostile, "snapshot": hostile, "fits": [fit]}
    record = published.model_copy(update=changes)
    seen = Page(render_page(record))
    assert "script" not in {tag for tag, _ in seen.tags}
    assert not [attributes for _, attributes in seen.tags if "onerror" in attributes]
    assert seen.text.count(hostile) >= 4


def test_averages_are_corrected_for_readout_and_their_errors_are_those_of_the_shots():
    assignment = np.kron([[0.97, 0.08], [0.03, 0.92]], [[0.95, 0.12], [0.05, 0.88]])
    truth, shots = np.array([0.4, 0.3, 0.2, 0.1]), 2048
    random = np.random.default_rng(np.random.SeedSequence(8))
    counts = random.multinomial(shots, assignment @ truth, size=4000)
    values, errors = averages(JointData(np.zeros(4000), np.zeros(4000, dtype=np.int64), counts), assignment)
    expected = [0.4 + 0.3 - 0.2 - 0.1, 0.4 - 0.3 + 0.2 - 0.1]
    # 5 standard errors of the mean and of the deviation: false alarm 1e-6 each
    assert np.all(np.abs(values.mean(axis=0) - expected) < 5 * values.std(axis=0) / np.sqrt(4000))
    assert errors.mean(axis=0) == pytest.approx(values.std(axis=0), rel=5 / np.sqrt(2 * 4000))


def test_importing_the_page_needs_no_matplotlib_and_no_experiments():
    code = (
        "import sys, qent_hw.calibration.page\n"
        "assert not {'matplotlib', 'tensorflow', 'qiskit_experiments'} & set(sys.modules)\n"
        "assert not [name for name in sys.modules if name.startswith('qent_hw.experiments')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
