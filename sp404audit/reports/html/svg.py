"""Drawings as inline SVG: small functions from numbers to elements.

Colours are classes of the page's style sheet and sizes are attributes: the page's policy lets no style stand in an
element. Every drawing has a text that says the same, for those who do not see it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["bar", "drawing", "element"]

_LEAST_WIDTH = 0.75
"""Nothing that is there is drawn so thin that it is not seen: percent of the whole."""


def element(name: str, *children: Markup | str, **attributes: object) -> Markup:
    """An element; an underscore in an attribute's name stands for a hyphen, `class_` for `class`.

    Numbers are written with at most two decimals, so that the same drawing is the same text everywhere.
    """
    from markupsafe import Markup, escape

    written = []
    for key, value in attributes.items():
        text = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
        written.append(f' {key.rstrip("_").replace("_", "-")}="{escape(text)}"')
    content = "".join(str(escape(child)) for child in children)
    return Markup(f"<{name}{''.join(written)}>{content}</{name}>")  # noqa: S704 (everything in it is escaped above)


def drawing(width: float, height: float, label: str, *children: Markup, class_: str = "drawing") -> Markup:
    """A drawing of `width` by `height` units, stretched to the room that it is given; `label` says what it shows."""
    return element(
        "svg",
        *children,
        class_=class_,
        viewBox=f"0 0 {width:g} {height:g}",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
    )


def bar(value: int, maximum: int, tone: str, label: str) -> Markup:
    """A bar as long as `value` is of `maximum`, in the colour of the class `tone`."""
    width = 100.0 * value / maximum if maximum else 0.0
    track = element("rect", class_="track", width=100, height=8)
    if not value:
        return drawing(100, 8, label, track)
    return drawing(100, 8, label, track, element("rect", class_=tone, width=max(width, _LEAST_WIDTH), height=8))
