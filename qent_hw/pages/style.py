"""One look for all figures: colours, quiet axes, and how a drawing becomes a `Picture`."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from qent_hw.pages.picture import Picture

WIDTH = 10.0
TRUTH = "#1a1a1a"
QUIET = "#8a8a8a"
ENTANGLED = "#ececdf"

_DPI = 150
_CSS_PIXELS_PER_INCH = 108
# a hundredth of a point is finer than any screen; numbers below one may be scales of glyphs, and stay as they are
_LONG_DECIMALS = re.compile(r"(?<![\d.])([1-9]\d*\.\d\d)\d{2,}")
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9.0,
    "legend.fontsize": 9.0,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "axes.linewidth": 0.7,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "lines.linewidth": 1.3,
    "savefig.dpi": _DPI,
    "figure.dpi": _DPI,
    # a title is a person's text: a dollar sign in it is no formula
    "text.parse_math": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "qent-hw",
}


@contextmanager
def plain_style() -> Iterator[None]:
    """Within it figures look the same whatever matplotlibrc a person has; afterwards theirs holds again."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that size in inches, which lays itself out without overlaps."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def grid_of_axes(figure: Figure, number: int, columns: int, **options: Any) -> list[Axes]:
    """`number` axes in rows of at most `columns`; places left over stay empty."""
    across = min(columns, number)
    axes = figure.subplots(-(-number // across), across, squeeze=False, **options).ravel().tolist()
    for surplus in axes[number:]:
        surplus.remove()
    return axes[:number]


def legend_above(figure: Figure, handles: list[Any], columns: int = 6) -> None:
    """One legend for the whole figure, above everything, where it covers nothing."""
    figure.legend(handles=handles, loc="outside upper center", ncols=min(columns, len(handles)), columnspacing=1.8)


def finish(figure: Figure, title: str, caption: str, alt: str) -> Picture:
    """The drawing as PNG and SVG, without dates, so that the same drawing has the same bytes."""
    # laid out once: most of the time goes into it, and it would come out the same for both files
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    png, svg = io.BytesIO(), io.StringIO()
    figure.savefig(png, format="png", metadata={"Software": None})
    figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    width = round(figure.get_figwidth() * _CSS_PIXELS_PER_INCH)
    return Picture(title, caption, alt, _with_palette(png), _LONG_DECIMALS.sub(r"\1", svg.getvalue()), width)


def _with_palette(png: io.BytesIO) -> bytes:
    """The picture in its 256 commonest colours: a third of the size, and no difference to be seen in a drawing."""
    small = io.BytesIO()
    colours = Image.open(png).convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    colours.save(small, format="png", optimize=True, dpi=(_DPI, _DPI))
    return small.getvalue()
