"""How requests end when they can end in several ways: cumulative incidence of each outcome, for many groups at once.

Aalen & Johansen (1978): at each time the share that still waits, times the share of those at risk that end so.
An outcome is not the censoring of the others: 1 minus a Kaplan–Meier curve of one outcome alone would overstate it.
The variance is the delta method over the multinomial steps (the Greenwood-type estimator of Andersen, Borgan, Gill
& Keiding 1993; Collett 2015, which lifelines computes too); ties between causes need no jitter, and without censoring
it is exactly F(1 - F)/n. The 95% bands are pointwise on the scale log(-log(1 - F)) (Lin 1997), so that those of a
single cause are the bands of `portal.figures.kaplan_meier`; lifelines takes log(-log F), which covers as well. Before
the first event of a cause neither scale has a band: there the end is exact for those whose ending is known, so that
an outcome which a few requests have not had is not said to be impossible.

Charter: shares that ended in each way by a time, with bands; no SQL, no words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portal.figures.kaplan_meier import CELLS, TIE, Z95, Floats, Steps, open_ends, read_at, steps, sure_share, watched


@dataclass(frozen=True)
class Incidence:
    """The share of all that ended in each way by each time, with its band, each of shape (…, C, T)."""

    share: Floats
    low: Floats
    high: Floats


def incidence(
    events_by_cause: NDArray[Any], censored: NDArray[Any], wide: NDArray[np.bool_] | None = None
) -> Incidence:
    """Cumulative incidence of each cause just after each time; over the causes it sums with the survival to 1.

    `events_by_cause` of shape (…, C, T) counts the events, `censored` of shape (…, T) those last seen waiting;
    `wide` as for `kaplan_meier.quantiles`. Without anyone at risk the shares stay where they were. Where a cause has
    had no event, or everybody that one, the band's end is exact or cautious (`kaplan_meier.open_ends`), not closed.
    """
    return _incidence(events_by_cause, steps(events_by_cause.sum(axis=-2), censored, wide))


def incidence_at(
    times: NDArray[Any],
    events_by_cause: NDArray[Any],
    censored: NDArray[Any],
    at: Sequence[float] | NDArray[Any],
    wide: NDArray[np.bool_] | None = None,
) -> Floats:
    """The share that ended in each way by given times, with its 95% band: shape (…, C, len(at), 3).

    `times` ascend, shape (T,), in the unit of `at`; counts as for `incidence`. NaN where nobody was watched for so
    long and some still waited when last seen.
    """
    times, at = np.asarray(times, np.float64), np.asarray(at, np.float64)
    causes = events_by_cause.shape[-2]
    found = np.full((*events_by_cause.shape[:-1], at.size, 3), np.nan)
    if times.size == 0 or causes == 0:
        return found
    flat = found.reshape(-1, causes, at.size, 3)
    ended, waiting = events_by_cause.reshape(-1, causes, times.size), censored.reshape(-1, times.size)
    block = max(1, CELLS // (causes * times.size))
    for start in range(0, len(flat), block):
        rows = slice(start, start + block)
        made = steps(ended[rows].sum(axis=-2), waiting[rows], wide)
        shares = _incidence(ended[rows], made)
        nobody = np.zeros((len(made.at_risk), 1))
        first = np.stack([nobody, nobody, 1 - sure_share(made.at_risk[:, :1])], axis=-1)
        values = np.stack([shares.share, shares.low, shares.high], axis=-1)
        read = read_at(times, values, first[:, None], at)
        flat[rows] = np.where(watched(times, made, at)[:, None, :, None], read, np.nan)
    return found


def _incidence(events_by_cause: NDArray[Any], made: Steps) -> Incidence:
    """The shares and bands, from the steps of all causes together."""
    at_risk = made.at_risk[..., None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        hazards = np.where(at_risk > 0, events_by_cause / at_risk, 0.0)
    earlier = np.concatenate([np.ones_like(made.survival[..., :1]), made.survival[..., :-1]], axis=-1)[..., None, :]
    share = np.minimum(np.cumsum(earlier * hazards, axis=-1), 1.0)
    variance = _variance(share, hazards, earlier, at_risk, made.terms[..., None, :])

    rest = np.maximum(1 - share, 0.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        strength = -np.log(rest)
        center = np.log(strength)
        margin = np.where((share > TIE) & (rest > TIE), Z95 * np.sqrt(variance) / (rest * strength), 0.0)
        low, high = np.exp(-np.exp(center + margin)), np.exp(-np.exp(center - margin))
    # Whoever ended in another way is known not to have ended in this one.
    ended = events_by_cause.sum(axis=-2)
    known = made.at_risk + np.cumsum(ended, axis=-1) - ended
    low, high = open_ends(
        rest, low, high, np.broadcast_to(known[..., None, :], rest.shape), np.broadcast_to(at_risk, rest.shape)
    )
    return Incidence(share, 1 - high, 1 - low)


def _variance(share: Floats, hazards: Floats, earlier: Floats, at_risk: Floats, terms: Floats) -> Floats:
    """Var F(t) = Σ over tᵢ ≤ t of (F(t) - Fᵢ)² d/(n(n - d)) + S² h(1 - h)/n - 2 (F(t) - Fᵢ) S h/n.

    The squares are multiplied out, so that running sums are enough for all t at once.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(at_risk > 0, earlier * hazards / at_risk, 0.0)
    own = np.cumsum(earlier * (1 - hazards) * each, axis=-1)
    others = share**2 * np.cumsum(terms, axis=-1)
    others += np.cumsum(terms * share**2, axis=-1) - 2 * share * np.cumsum(terms * share, axis=-1)
    mixed = share * np.cumsum(each, axis=-1) - np.cumsum(each * share, axis=-1)
    return np.asarray(np.maximum(others + own - 2 * mixed, 0.0))
