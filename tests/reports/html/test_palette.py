"""Every text on every ground it stands on can be read, in light and in dark (WCAG 2.2, 1.4.3 and 1.4.11)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sp404audit.reports.html

CSS = (Path(sp404audit.reports.html.__file__).parent / "templates/report.css").read_text("utf-8")
TONES = ("critical", "high", "medium", "low", "note", "pass", "open", "accepted", "none")
GROUNDS = ("ground", "surface", "sunken", "track")


def palettes() -> dict[str, dict[str, str]]:
    """The colours by name: those of the first `:root`, and the same with those for dark screens over them."""
    light, dark = re.findall(r":root \{([^}]*--ink:[^}]*)\}", CSS)
    read = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block)) for block in (light, dark)]
    return {"light": read[0], "dark": {**read[0], **read[1]}}


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2, definition)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_formula() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


PAIRS = [
    *((text, ground) for text in ("ink", "muted", "link") for ground in GROUNDS),
    *((f"{tone}-text", ground) for tone in TONES for ground in (f"{tone}-soft", "surface", "ground")),
    *((f"{tone}-on", f"{tone}-solid") for tone in TONES),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read(scheme: str, text: str, ground: str) -> None:
    colours = palettes()[scheme]
    assert contrast(colours[text], colours[ground]) >= 4.5, f"{text} on {ground} in {scheme}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_focus_can_be_seen(scheme: str) -> None:
    colours = palettes()[scheme]
    for ground in GROUNDS:
        assert contrast(colours["focus"], colours[ground]) >= 3


def test_both_schemes_have_every_colour() -> None:
    light, dark = re.findall(r":root \{([^}]*--ink:[^}]*)\}", CSS)
    assert set(re.findall(r"--[a-z-]+", light)) == set(re.findall(r"--[a-z-]+", dark))


def test_no_colour_stands_outside_of_the_palette() -> None:
    rules = re.sub(r":root \{[^}]*\}", "", re.sub(r"/\*.*?\*/", "", CSS, flags=re.DOTALL))
    outside = re.findall(r"#[0-9a-f]{3,8}\b(?=[^{}]*\})", rules)
    assert set(outside) <= {"#5b5e66"}  # page numbers: a margin box of the page knows no variables in every browser
