"""Figures in words: a time, a share, their bands, and what is said instead where there is too little to say.

Charter: answers in, plain text out; marks and markup are made elsewhere.
"""

from __future__ import annotations

from portal.answers import Quantile, Share
from portal.figures.location_band import Band
from portal.text import FEW, _, duration_words, number, share, span_words


def too_few() -> str:
    """What is said instead of a figure of less than FEW requests."""
    return _("too few to say")


def quantile_words(value: Quantile, n: int) -> str:
    """'3.2 days', 'not yet reached' or 'too few to say'."""
    return too_few() if n < FEW else duration_words(value.hours)


def band_words(value: Quantile, n: int) -> str:
    """'2.9 to 3.5 days'."""
    if n < FEW or value.low is None:
        return "–"
    return span_words(value.low, value.high)


def share_words(value: Share) -> str:
    """'81%', or 'too few to say'."""
    if value.n == 0:
        return _("no standard due")
    return too_few() if value.n < FEW else share(value.k, value.n)


def share_band_words(value: Share) -> str:
    """'78% to 84%'."""
    if value.n < FEW or value.low is None or value.high is None:
        return "–"
    return _("{low} to {high}").format(low=share(value.low), high=share(value.high))


def total_band_words(band: Band | None) -> str:
    """'1,196 to 1,213', or '–' where locations leave no doubt."""
    if band is None or not band.matters:
        return "–"
    return _("{low} to {high}").format(low=number(band.low), high=number(band.high))
