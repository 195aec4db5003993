"""Authorities that change their codes: which code and which id each row of a simulation carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rereferral.simulate.inputs import (
    Authorities,
    first_year,
    later_authorities,
    read_changes,
    referrals_of,
)
from rereferral.simulate.model import Episodes

__all__ = ["COLLIDING", "Codes", "codes_of_2019", "codes_of_the_day"]

COLLIDING = 0.01
"""Share of the children of a merging authority whose id stands for a child of its partner too."""

_Carried: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.int32]]

_STREAM = 1  # draws of its own, so that the rows are those without mergers


@dataclass(frozen=True, eq=False)
class Codes:
    """The authority and the child of each row of both tables.

    Attributes
    ----------
    authorities : Authorities
        What the codes are positions in.
    authority, child : ndarray
        By episode: position of the authority, number of the id.
    early_help_authority, early_help_child : ndarray
        The same by start of early help.
    colliding : int or None
        Ids that stand for two children, in two authorities; None where no code changes.
    """

    authorities: Authorities
    authority: NDArray[np.uint8]
    child: NDArray[np.int32]
    early_help_authority: NDArray[np.uint8]
    early_help_child: NDArray[np.int32]
    colliding: int | None = None


def codes_of_2019(rows: Episodes, authorities: Authorities) -> Codes:
    """Every row under the code of 2019, every child under an id of its own."""
    helped = rows.early_help_row
    return Codes(
        authorities, rows.authority, rows.child, rows.authority[helped], rows.child[helped]
    )


def codes_of_the_day(rows: Episodes, authorities: Authorities, last_day: int, seed: int) -> Codes:
    """Rows from the effective day on carry the successor's code, as `crosswalk.csv` says.

    Of a split a child belongs to one successor, drawn by the referrals of the successors' first
    year. Ids stay, but for a merger: of each predecessor but the largest a share `COLLIDING` of
    the children has, up to the merger, an id that a child of the largest has too, and from then on
    one of its own.

    Parameters
    ----------
    rows : Episodes
        The simulated rows.
    authorities : Authorities
        Those simulated, of 2019.
    last_day : int
        Changes after it are not in the table.
    seed : int
        Of the simulation.
    """
    random = np.random.Generator(np.random.PCG64([seed, _STREAM]))
    n_children = int(rows.child.max(initial=-1)) + 1
    home = np.zeros(n_children, np.uint8)
    home[rows.child] = rows.authority
    day = np.full(len(authorities.code), np.iinfo(np.int32).max, np.int32)
    heir = home.copy()
    codes = list(authorities.code)
    merging: dict[int, list[int]] = {}
    for old, changes in _happened(authorities, last_day).items():
        day[old] = _day(changes[0])
        for change in changes:
            if change["successor"] not in codes:
                codes.append(change["successor"])
        heirs = np.array([codes.index(change["successor"]) for change in changes], np.uint8)
        children = np.flatnonzero(home == old)
        heir[children] = _drawn(heirs, changes, len(children), random)
        if changes[0]["kind"] == "merge":
            merging.setdefault(int(heirs[0]), []).append(old)
    before, colliding = _ids_before(rows, home, day, merging, random)

    def carried(of: NDArray[np.int64], on: NDArray[np.int32]) -> _Carried:
        child = rows.child[of]
        later = on >= day[home[child]]
        return np.where(later, heir[child], home[child]), np.where(later, child, before[child])

    authority, child = carried(np.arange(len(rows.child)), rows.referral)
    helped_authority, helped_child = carried(rows.early_help_row, rows.early_help_start)
    places = _with_names(authorities, codes[len(authorities.code) :])
    return Codes(places, authority, child, helped_authority, helped_child, colliding)


def _day(change: dict[str, str]) -> int:
    return int(np.datetime64(change["effective_date"], "D").astype(np.int64))


def _happened(authorities: Authorities, last_day: int) -> dict[int, list[dict[str, str]]]:
    """The changes of the simulated authorities up to the last day, by position of the authority."""
    place = {code: position for position, code in enumerate(authorities.code)}
    happened: dict[int, list[dict[str, str]]] = {}
    for change in read_changes():
        if change["predecessor"] in place and _day(change) <= last_day:
            happened.setdefault(place[change["predecessor"]], []).append(change)
    return happened


def _drawn(
    heirs: NDArray[np.uint8],
    changes: list[dict[str, str]],
    n_children: int,
    random: np.random.Generator,
) -> NDArray[np.uint8]:
    """The successor of each child, in proportion to the referrals of their first year."""
    if len(heirs) == 1:
        return np.full(n_children, heirs[0])
    size = referrals_of(first_year(changes[0]), [change["successor"] for change in changes])
    upto = np.cumsum(size) / size.sum()
    return heirs[np.minimum(np.searchsorted(upto, random.random(n_children)), len(heirs) - 1)]


def _ids_before(
    rows: Episodes,
    home: NDArray[np.uint8],
    day: NDArray[np.int32],
    merging: dict[int, list[int]],
    random: np.random.Generator,
) -> tuple[NDArray[np.int32], int]:
    """The id of each child before its authority changed, and how many ids stand for two."""
    ids = np.arange(len(home), dtype=np.int32)
    known = np.zeros(len(home), np.bool_)
    known[rows.child[rows.referral < day[rows.authority]]] = True
    colliding = 0
    for partners in merging.values():
        children = [np.flatnonzero((home == old) & known) for old in partners]
        children.sort(key=len, reverse=True)
        # From one shuffled list, so that no id stands for three.
        theirs = random.permutation(children[0])
        for others in children[1:]:
            n = min(round(COLLIDING * len(others)), len(theirs))
            some = random.permutation(others)[:n]
            ids[some], theirs = theirs[:n], theirs[n:]
            colliding += n
    return ids, colliding


def _with_names(authorities: Authorities, codes: list[str]) -> Authorities:
    """The authorities and, after them, their successors."""
    later = later_authorities()
    return Authorities(
        authorities.code + codes,
        authorities.name + [later[code][0] for code in codes],
        authorities.region_code + [later[code][1] for code in codes],
        authorities.region + [later[code][2] for code in codes],
    )
