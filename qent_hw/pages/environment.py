"""Templates of pages: self-contained, without scripts, everything that a person wrote escaped."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2
    from markupsafe import Markup

    from qent_hw.pages.picture import Picture

# bytes; a figure of more, such as one of a dozen states, goes into the page as PNG
_LARGEST_SVG = 300_000


def page_environment(folder: Path) -> jinja2.Environment:
    """Where templates in `folder` find what all pages share: frame.html.j2 to extend, parts.html.j2 to import from.

    Filters: `data_uri` of a `Picture`, and `unbroken` for text with numbers.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, Path(__file__).parent]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"data_uri": _data_uri, "unbroken": _unbroken}
    return environment


def markdown_environment(folder: Path) -> jinja2.Environment:
    """Where templates of Markdown pages in `folder` find what they need."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def _data_uri(picture: Picture) -> str:
    """The figure as sharp as a page of moderate size allows."""
    if len(picture.svg) > _LARGEST_SVG:
        return "data:image/png;base64," + base64.b64encode(picture.png).decode()
    return "data:image/svg+xml;base64," + base64.b64encode(picture.svg.encode()).decode()


def _unbroken(text: str) -> Markup:
    """Text, escaped, with spaces that do not break around = and ± and before a unit."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r" ([=±]) ", "\u00a0\\1\u00a0", str(escape(text))).replace(" µs", "\u00a0µs"))
