"""A brand's colour on its customers' pages, as a stylesheet: a strict policy lets no colour stand in the page itself.

The sheet is a pure function of the colour: it tells nothing about anybody, and may be cached for ever.
"""

import re

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import NoReverseMatch, path, reverse
from django.views.decorators.http import require_safe

_COLOUR = re.compile(r"#?([0-9a-fA-F]{6})")
_ENOUGH = 4.5  # WCAG AA for text
_DARK_TEXT = (20, 26, 23)
_WHITE = (255, 255, 255)

Colour = tuple[int, int, int]


def read_colour(text: str) -> Colour | None:
    """The colour that ``#rrggbb`` names; None for anything else."""
    found = _COLOUR.fullmatch(text.strip())
    if found is None:
        return None
    digits = found.group(1)
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def written(colour: Colour) -> str:
    return "{:02x}{:02x}{:02x}".format(*colour)


def luminance(colour: Colour) -> float:
    """Relative luminance as WCAG 2 defines it."""

    def linear(channel: int) -> float:
        part = channel / 255
        return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(channel) for channel in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def readable(colour: Colour, on: Colour) -> Colour:
    """The colour, darkened just so far that text in it can be read on the ground."""
    while contrast(colour, on) < _ENOUGH and any(colour):
        red, green, blue = (max(0, int(channel * 0.92) - 1) for channel in colour)
        colour = red, green, blue
    return colour


def stylesheet(colour: Colour) -> str:
    """Button, its text, links and the line at the top."""
    text = _WHITE if contrast(colour, _WHITE) >= _ENOUGH else _DARK_TEXT
    return (
        f":root{{--brand:#{written(colour)};--brand-text:#{written(text)};"
        f"--brand-ink:#{written(readable(colour, _WHITE))}}}\n"
    )


@require_safe
def brand_stylesheet(request: HttpRequest, colour: str) -> HttpResponse:
    """``/brand/0f766e.css``"""
    read = read_colour(colour)
    if read is None:
        raise Http404("This is not a colour.")
    response = HttpResponse(stylesheet(read), content_type="text/css")
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


urlpatterns = [path("brand/<str:colour>.css", brand_stylesheet, name="brand_stylesheet")]


def brand_stylesheet_url(colour: str) -> str:
    """Where the sheet of this colour is; empty when there is no such colour, and the page keeps its own."""
    read = read_colour(colour)
    if read is None:
        return ""
    try:
        return reverse("brand_stylesheet", kwargs={"colour": written(read)})
    except NoReverseMatch:
        return ""
