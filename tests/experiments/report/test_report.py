"""The report: complete, self-contained, honest, and safe to open whatever a runcard says."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest

from qent_hw import Experiment
from qent_hw.experiments.report.decay import StrengthAxis, decays, strength_axis, sudden_death
from qent_hw.experiments.report.figures import draw_figures
from qent_hw.experiments.report.figures_decay import draw_decay
from qent_hw.experiments.report.figures_states import wilson_interval
from qent_hw.experiments.report.labels import angle_label, parameter_label, signed, state_label
from qent_hw.experiments.report.marks import marks
from qent_hw.experiments.report.measured_features import measured_features, summarise_pulls
from qent_hw.experiments.runcard import parse_runcard
from qent_hw.experiments.summary import with_error
from qent_hw.pages.style import plain_style
from qent_hw.physics import special_four_basis, two_basis
from qent_hw.simulation import noisy_states

CARD = {
    "title": "A small run",
    "family": "special_four_basis",
    "seed": 3,
    "shots": 512,
    "channel": {"p": [0.0, 0.3, 0.5, 0.7, 1.0]},
}
POINTS = {"kind": "points", "points": [{"theta": "pi/2", "phi": "pi/2"}, {"theta": "pi/5", "phi": "2*pi/3"}]}
RANDOM = {"kind": "random", "n": 60}


def run(**changes):
    return Experiment(parse_runcard({**CARD, "states": POINTS, **changes}, "test")).run()


@pytest.fixture(scope="module")
def decay_run():
    return run()


@pytest.fixture(scope="module")
def random_run():
    return run(states=RANDOM)


class Page(HTMLParser):
    """Tags with their attributes, and the text a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.style = ""
        self._in_style = False
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.text += " " if tag in ("td", "th", "dt", "dd", "br") else ""
        self._in_style = tag == "style"

    def handle_endtag(self, tag):
        self._in_style = False

    def handle_data(self, data):
        if self._in_style:
            self.style += data
        else:
            self.text += data.replace("\u00a0", " ")


@pytest.mark.parametrize("which", ["decay_run", "random_run"])
def test_report_holds_the_numbers_of_the_comparison(which, request):
    finished = request.getfixturevalue(which)
    text = Page(finished.report).text
    for name, one in finished.comparison["estimators"].items():
        assert name in text
        assert with_error(one["accuracy"], one["accuracy_se"], percent=True) in text
        for key in ("r2", "rmse"):
            assert with_error(one[key], one[f"{key}_se"]) in text
        assert with_error(one["coverage"], one["coverage_se"], percent=True) in text
        for truth in ("entangled", "separable"):
            counts = [one["confusion"][f"{truth}_called_{called}"] for called in ("entangled", "separable")]
            for count in counts:
                assert f"{count} ({100 * count / sum(counts):.1f}%)" in text
    assert f"of {finished.comparison['n_states']} states" in text
    assert "512 shots each" in text
    assert "dephasing of strength p = 0 to 1 on both qubits" in text


@pytest.mark.parametrize("which", ["decay_run", "random_run"])
def test_report_loads_nothing_and_runs_nothing(which, request):
    page = Page(request.getfixturevalue(which).report)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "embed", "base", "form"}
    for _tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "srcset", "data", "action", "background", "poster"):
            assert attributes.get(name, "data:image/svg+xml").startswith("data:image/svg+xml")
    assert "url(" not in page.style
    assert "@import" not in page.style


@pytest.mark.parametrize("which", ["decay_run", "random_run"])
def test_every_figure_is_in_the_report_with_a_description(which, request):
    finished = request.getfixturevalue(which)
    images = [attributes for tag, attributes in Page(finished.report).tags if tag == "img"]
    shown = {base64.b64decode(image["src"].partition(",")[2]).decode() for image in images}
    assert shown == {picture.svg for picture in finished.figures.values()}
    assert all(len(image["alt"]) > 20 for image in images)
    assert len(finished.report) < 1_500_000


@pytest.mark.parametrize(
    ("which", "names"),
    [
        ("decay_run", ["decay", "scatter", "features"]),
        ("random_run", ["scatter", "reliability", "trust", "misclassified", "pulls"]),
    ],
)
def test_figures_are_sound_and_small(which, names, request):
    finished = request.getfixturevalue(which)
    assert list(finished.figures) == names
    for picture in finished.figures.values():
        assert picture.png.startswith(b"\x89PNG\r\n\x1a\n")
        assert picture.png.endswith(b"IEND\xaeB`\x82")
        assert len(picture.png) < 300_000
        root = ET.fromstring(picture.svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        # text drawn as paths needs no font; references stay inside the figure
        assert not list(root.iter("{http://www.w3.org/2000/svg}text"))
        links = [value for one in root.iter() for key, value in one.attrib.items() if key.endswith("href")]
        assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)


def test_sudden_death_is_stated_exactly(decay_run):
    text = Page(decay_run.report).text
    assert "p* = 0.5858 (θ = π/2, φ = π/2)" in text
    death = decays(decay_run)[0].death
    assert death == pytest.approx(2 - np.sqrt(2), abs=1e-10)
    verdicts = decay_run.estimates.query("estimator == 'bell8'")["verdict"].to_numpy()[:5] == "entangled"
    p = np.array(CARD["channel"]["p"])
    row = re.search(r"θ = π/2, φ = π/2\s*0\.5858\s*([\d.\s]+)", text)
    assert row is not None
    assert row[1].split()[2:4] == [f"{p[verdicts].max():.2f}", f"{p[~verdicts].min():.2f}"]


@pytest.mark.parametrize(
    ("psi", "channel", "expected"),
    [
        (special_four_basis(np.pi / 2, np.pi / 2), "dephasing", 2 - np.sqrt(2)),
        (two_basis(np.pi / 2, 0.0), "depolarizing", 2 / 3),
        # 2-basis: (1−p) sin θ / 2 = p / 4
        (two_basis(np.pi / 8, 1.0), "depolarizing", 2 * np.sin(np.pi / 8) / (1 + 2 * np.sin(np.pi / 8))),
        (two_basis(np.pi / 2, 0.0), "dephasing", None),
        (two_basis(0.1, 2.0), "dephasing", None),
        (two_basis(0.0, 0.0), "dephasing", 0.0),
        (special_four_basis(np.pi / 2, 0.0), "dephasing", 0.0),
    ],
)
def test_sudden_death_of_known_states(psi, channel, expected):
    found = sudden_death(lambda p: noisy_states(psi[None], channel, p), np.linspace(0, 1, 1001))
    assert found == (None if expected is None else pytest.approx(expected, abs=1e-10))


def test_a_state_without_sudden_death_says_so():
    finished = run(
        family="two_basis", estimators=["bell8"], states={"kind": "points", "points": [{"theta": 1.2, "phi": 0}]}
    )
    text = Page(finished.report).text
    assert "no sudden death: C reaches 0 only at p = 1" in text
    assert "θ = 1.2000, φ = 0" in text
    # 2-basis states never die: the classifier knows one class, and its accuracy is that of a constant answer
    assert "of 5 states, as every one was called entangled; R²" in text


def test_nothing_a_person_writes_becomes_markup_or_a_formula():
    hostile = '<script>alert("x")</script> & $\\frac{$ \'"><img src=x onerror=alert(1)>'
    finished = run(title=hostile, description=hostile, states={"kind": "random", "n": 4}, estimators=["bell4"])
    page = Page(finished.report)
    assert "script" not in {tag for tag, _ in page.tags}
    assert not [attributes for _, attributes in page.tags if "onerror" in attributes]
    assert page.text.count(hostile) >= 2


def test_idle_runs_are_shown_over_microseconds_with_relaxation_in_the_truth():
    T1, T2 = [120e-6, 80e-6], [90e-6, 60e-6]
    finished = run(
        injection={"kind": "idle", "T1_s": T1, "T2_s": T2}, states={"kind": "points", "points": POINTS["points"][:1]}
    )
    axis, decay = strength_axis(finished), decays(finished)[0]
    assert (axis.symbol, axis.unit) == ("τ", "µs")
    np.testing.assert_allclose(decay.measured_at, finished.plan.tau_s * 1e6)
    # the exact curve runs through the truth of the run
    truth = finished.estimates.query("estimator == 'bell8'")["true_concurrence"].to_numpy()
    np.testing.assert_allclose(np.interp(decay.measured_at, decay.grid, decay.concurrence), truth, atol=2e-3)
    text = Page(finished.report).text
    assert f"τ* = {decay.death:.2f} µs" in text
    assert "T1 = 120 and 80 µs, T2 = 90 and 60 µs" in text
    assert "relaxation (T1)" in text


def test_a_noisy_backend_is_called_one(decay_run):
    finished = run(backend={"name": "aer:fake_manila"}, injection={"kind": "twirl"}, states={"kind": "random", "n": 4})
    text = Page(finished.report).text
    assert "aer:fake_manila, Aer with the noise of that device, qubits 4 and 3" in text
    assert "Qubits 4,3 err least by published figures" in text
    assert "without gate and readout errors" in text
    assert "does not probe the device's memory" in text
    assert "without gate and readout errors" not in Page(decay_run.report).text


def test_the_axis_of_waits_can_be_inverted_and_goes_on_beyond_its_end():
    axis = StrengthAxis("τ", "µs", "wait τ (µs)", 300.0, 1 / 60, np.linspace(0, 1000, 11))
    values = np.array([-1.0, 0.0, 5.0, 100.0, 299.0, 300.0, 310.0])
    np.testing.assert_allclose(axis.strength_at(axis.place(values)), values, rtol=1e-9)
    assert np.all(np.diff(axis.place(values)) > 0)


def test_pulls_of_an_ideal_simulator_are_unit_normal(random_run):
    measured = measured_features(random_run)
    assert measured.names == ("xa", "xb", "ya", "yb", "x1", "y1", "1a", "1b")
    for one in summarise_pulls(measured):
        # five standard errors each: a false alarm once in 100,000 such tests, and the seed is fixed
        assert abs(one.mean) < 5 * one.mean_se
        assert abs(one.std - 1) < 5 * one.std_se
        assert one.n == np.isfinite(measured.pulls[:, measured.names.index(one.feature)]).sum()


def test_a_dozen_states_are_drawn_and_the_others_counted():
    points = [{"theta": 0.3 * k, "phi": 0.2 * k} for k in range(1, 15)]
    finished = run(
        settings=["xa", "xb", "ya", "yb", "zz"], states={"kind": "points", "points": points}, channel={"p": [0.4]}
    )
    with plain_style():
        picture = draw_decay(finished)
    assert "The first 12 of 14 states are shown." in picture.caption
    assert len(picture.png) < 300_000


@pytest.mark.parametrize(
    ("radians", "text"),
    [
        (0.0, "0"),
        (np.pi, "π"),
        (np.pi / 2, "π/2"),
        (-3 * np.pi / 4, "−3π/4"),
        (2 * np.pi / 3, "2π/3"),
        (1.0, "1.0000"),
        (-0.00001, "0.0000"),
    ],
)
def test_angles_are_written_as_multiples_of_pi(radians, text):
    assert angle_label(radians) == text


def test_labels():
    assert parameter_label("phi12") == "φ₁₂"
    assert parameter_label("squeeze") == "squeeze"
    assert state_label({"theta": np.pi / 2, "phi": 0.0}) == "θ = π/2, φ = 0"
    assert signed(-0.004, 2) == "0.00"
    assert signed(-0.25, 2) == "−0.25"


def test_each_estimator_has_a_mark_of_its_own():
    names = ["bell4", "mine", "bell8", "yours", "chsh"]
    found = marks(names)
    assert list(found) == names
    assert len({(mark.colour, mark.marker) for mark in found.values()}) == len(names)


@pytest.mark.parametrize("n", [1, 7, 400])
def test_wilson_interval_solves_its_equation(n):
    for hits in (0, n // 2, n):
        low, high = wilson_interval(hits, n)
        for end in (low, high):
            # |share − end| is one standard error at the end itself, or the end is that of [0, 1]
            assert (hits / n - end) ** 2 == pytest.approx(end * (1 - end) / n, abs=1e-12)


def test_importing_the_report_needs_neither_matplotlib_nor_tensorflow():
    code = (
        "import sys, qent_hw.experiments.report.page, qent_hw.experiments.report.figures\n"
        "assert not {'matplotlib', 'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


@pytest.mark.parametrize("which", ["decay_run", "random_run"])
def test_drawing_again_gives_the_same_bytes_and_leaves_matplotlib_as_it_was(which, request):
    import matplotlib

    finished, before = request.getfixturevalue(which), dict(matplotlib.rcParams)
    assert draw_figures(finished) == finished.figures
    assert dict(matplotlib.rcParams) == before
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()
