"""A figure that is ready to be shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """One figure.

    Attributes
    ----------
    title, caption
        what it is, and how to read it.
    alt
        what it shows, for those who do not see it.
    png, svg
        the figure itself; text in the SVG is drawn as paths, so that it needs no font.
    width
        in CSS pixels, so that its text is as large as that of a page around it.
    """

    title: str
    caption: str
    alt: str
    png: bytes
    svg: str
    width: int
