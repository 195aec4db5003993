"""`rr.simulate`, and the tables that it gives."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rereferral.errors import RuleError
from rereferral.frames import frame_of
from rereferral.progress import Progress, reporting
from rereferral.simulate import model
from rereferral.simulate.draws import REASONS, SOURCE_CODES
from rereferral.simulate.inputs import (
    FIRST_YEAR,
    LAST_YEAR,
    Authorities,
    find_authorities,
    read_inputs,
    read_multipliers,
)
from rereferral.simulate.mergers import codes_of_2019, codes_of_the_day
from rereferral.simulate.parameters import Parameters, find_calibration
from rereferral.text import Text
from rereferral.writing import write_csv

__all__ = ["HISTORY_YEARS", "Simulation", "check_folder", "simulate"]

HISTORY_YEARS = 3
"""Financial years kept before the first reported year, as far as the series goes."""

_FOLLOW_UP_YEARS = 1
_FILES = ("episodes.csv", "early_help.csv", "authorities.csv")
_MANIFEST = "manifest.json"
_STEP_DOWN = ("RC9", "early help")
_STATUS = (
    "SIMULATED: no row is a real child or a real case. Codes, names and regions of the "
    "authorities are real, and volumes follow published statistics; every rate that the "
    "calibration fits was put in, not found."
)


def simulate(
    calibration: str = "official",
    *,
    years: Iterable[int] = range(2016, 2021),
    authorities: str | Iterable[str] | None = None,
    seed: int = 0,
    step_down: str = "RC9",
    mergers: bool = False,
    progress: Progress | bool | None = None,
) -> Simulation:
    """Simulate referrals to children's social care in England.

    Volumes by month and authority follow the official series; what follows a referral is drawn
    so that the published re-referral rates come out together.

    Parameters
    ----------
    calibration : {"official", "report"}
        `official`: as many below-threshold closures as DfE publishes, about 182,000 a year.
        `report`: as many as *Too little, too late* (2022) implies, about 296,000 a year; it
        contradicts other official counts by construction.
    years : iterable of int
        Reported financial years, each named by the year it ends in (2020 is 2019-20), without
        gaps, within 2013 to 2023.
    authorities : str or iterable of str, optional
        Codes or names of authorities of 2019; all 152 by default. An authority's volumes and
        rates do not depend on which others are chosen; its rows do.
    seed : int
        0 or more. The same seed, arguments and numpy version give the same bytes.
    step_down : {"RC9", "early help"}
        How stepping down to early help is told. `RC9`: as closure reason (a what-if before
        2022-23, when RC9 began), and in the early help table. `early help`: by that table
        alone; the reason is RC8 then.
    mergers : bool
        True: authorities change their codes as `rr.crosswalk` says (Bournemouth and Poole, Dorset
        on 2019-04-01; Buckinghamshire on 2020-04-01; others later). False: all go on under the
        codes of 2019.
    progress : bool or callable, optional
        True for a bar on a terminal; or a function of months done and months in all.

    Returns
    -------
    Simulation
        With the tables `episodes`, `early_help` and `authorities`.

    Raises
    ------
    RuleError
        An argument is unknown or out of range.

    Notes
    -----
    The table holds the reported years, the three financial years before the first (not before
    2013, where the official series begins), one year after the last, and the cases open on the
    first day, as a census return would. What happens after the last day is not in it: a closure
    or an assessment that lies later is null. So `observed_from` and `observed_until` are the
    days to give to `rr.link`; the default holds nine years, and re-referral can be followed for
    more than six.

    Where an authority's volume falls so fast that more children return than it has referrals,
    the surplus is taken off the following months.

    A case that ends without an assessment (`referral_nfa`) has a closure date and reason RC7: a
    CIN return wants a reason wherever there is a closure date, and no assessment on such a row.
    A child does not return after adoption (RC1), death (RC2), a move (RC5) or a change to adult
    services (RC6), nor from the 18th birthday on; an episode of need ends on that day at the
    latest. There is one early help start for each step-down, 0 to 30 days before the closure.
    A source group is split evenly among its codes; children enter with at most one open case.

    With `mergers` the rows are the same, in the same order. Those of a referral, or of an early
    help start, from the effective day on carry the successor's code. Each child of an authority
    that was split belongs to one successor, drawn by their published referrals; Christchurch stays
    with Dorset. Ids are carried over, and an id is one child within an authority at any time. But
    authorities number their children each for itself, so before a merger 1 in 100 of the children
    of the smaller predecessor has the id of a child of the other, and gets one of its own at the
    merger: with ``ids="carried over"`` such children are confused with each other, and lost from
    sight at the merger.

    Examples
    --------
    >>> import rereferral as rr
    >>> england = rr.simulate(years=[2020], authorities=["Camden", "Medway"], seed=1)
    >>> england.observed_from, england.observed_until
    ('2016-04-01', '2021-03-31')
    >>> bool(england.episodes["child_id"].str.startswith("SIM").all())
    True
    """
    parameters = find_calibration(calibration)
    first, last = _years(years)
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise RuleError(f"seed: {seed!r} is not a whole number of 0 or more")
    if step_down not in _STEP_DOWN:
        raise RuleError(f"step_down: {step_down!r} is not one of {', '.join(_STEP_DOWN)}")
    if not isinstance(mergers, bool):
        raise RuleError(f"mergers: {mergers!r} is not True or False")
    inputs = read_inputs()
    chosen = find_authorities(authorities, inputs.authorities)
    span = model.Span(max(FIRST_YEAR, first - HISTORY_YEARS), last + _FOLLOW_UP_YEARS)
    multipliers = read_multipliers(calibration)
    with reporting(progress, "Simulating") as report:
        rows = model.run(inputs, parameters, multipliers, span, chosen, int(seed), report)
    return Simulation(
        rows,
        inputs.authorities.take(chosen),
        parameters,
        span,
        range(first, last + 1),
        int(seed),
        step_down,
        mergers,
    )


def _years(years: Iterable[int]) -> tuple[int, int]:
    try:
        given = sorted(set(years))
    except TypeError:
        raise RuleError(f"years: {years!r} is no sequence of years") from None
    if not given:
        raise RuleError("years: name at least one")
    for year in given:
        if isinstance(year, bool) or not isinstance(year, (int, np.integer)):
            raise RuleError(f"years: {year!r} is not a whole number")
        if not FIRST_YEAR <= year < LAST_YEAR:
            raise RuleError(
                f"years: {year} is outside {FIRST_YEAR} to {LAST_YEAR - 1}; the official series "
                f"by authority goes from {FIRST_YEAR} to {LAST_YEAR}, and a year of follow-up is "
                "needed"
            )
    if given[-1] - given[0] + 1 != len(given):
        raise RuleError(f"years: {', '.join(map(str, given))} have gaps")
    return int(given[0]), int(given[-1])


def check_folder(folder: str | os.PathLike[str]) -> None:
    """Refuse a folder with a file of a name that `save` uses and that no simulation wrote."""
    folder = Path(folder)
    try:
        earlier = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))["simulated"] is True
    except (OSError, ValueError, LookupError, TypeError):
        earlier = False
    for name in (*_FILES, _MANIFEST):
        if not earlier and (folder / name).exists():
            raise RuleError(f"{folder / name} is there and no earlier simulation wrote it")


def _child_ids(numbers: NDArray[np.int32]) -> Text:
    """`SIM` and the number, from 1, in eight digits."""
    four = np.array([f"{i:04d}".encode() for i in range(10_000)]).view("V4")
    numbers = numbers + np.int32(1)
    ids = np.empty(len(numbers), np.dtype([("sim", "V3"), ("high", "V4"), ("low", "V4")]))
    ids["sim"] = np.void(b"SIM")
    ids["high"] = four[numbers // 10_000]
    ids["low"] = four[numbers % 10_000]
    width = ids.dtype.itemsize
    return Text(np.arange(len(ids) + 1, dtype=np.int64) * width, ids.view(np.uint8))


def _dates(days: NDArray[np.int32]) -> NDArray[np.datetime64]:
    dates = days.astype("datetime64[D]")
    dates[days == model.NEVER] = np.datetime64("NaT", "D")
    return dates


class Simulation:
    """Tables of a SIMULATED England; made by `rr.simulate`.

    Attributes
    ----------
    episodes : DataFrame
        One row per referral, by authority (of 2019) and referral date: `authority`, `child_id`,
        `referral_date`, `referral_source`, `referral_nfa`, `assessment_date`, `closure_date`,
        `reason_for_closure`, `date_of_birth`, `date_of_death`. Made when first asked for.
    early_help : DataFrame
        One row per start of early help: `authority`, `child_id`, `start_date`.
    authorities : DataFrame
        One row per authority: `authority`, `authority_name`, `region_code`, `region`, `status`;
        those of 2019 before their successors.
    calibration, step_down : str
    mergers : bool
    seed : int
    years : range
        The reported years.
    observed_from, observed_until : str
        First and last day of which every referral is in the table.
    """

    def __init__(
        self,
        rows: model.Episodes,
        authorities: Authorities,
        parameters: Parameters,
        span: model.Span,
        years: range,
        seed: int,
        step_down: str,
        mergers: bool = False,
    ) -> None:
        self._rows = rows
        self._codes = (
            codes_of_the_day(rows, authorities, span.last_day, seed)
            if mergers
            else codes_of_2019(rows, authorities)
        )
        self._authorities = self._codes.authorities
        self._parameters = parameters
        self.calibration = parameters.name
        self.years = years
        self.seed = seed
        self.step_down = step_down
        self.mergers = mergers
        self.observed_from = str(np.datetime64(span.first_day, "D"))
        self.observed_until = str(np.datetime64(span.last_day, "D"))

    @cached_property
    def episodes(self) -> pd.DataFrame:
        """Made from the columns when first asked for."""
        return frame_of(self._episode_columns())

    @cached_property
    def early_help(self) -> pd.DataFrame:
        """Made from the columns when first asked for."""
        return frame_of(self._early_help_columns())

    @cached_property
    def authorities(self) -> pd.DataFrame:
        """Made from the columns when first asked for."""
        return frame_of(self._authority_columns())

    @property
    def manifest(self) -> dict[str, Any]:
        """What was simulated and how, as `save` writes it to `manifest.json`."""
        import rereferral

        # Without mergers the manifest is what it was before there were any.
        changes = {"mergers": True, "colliding_ids": self._codes.colliding} if self.mergers else {}
        return {
            "status": _STATUS,
            "simulated": True,
            "calibration": self.calibration,
            "seed": self.seed,
            "years": [self.years[0], self.years[-1]],
            "step_down": self.step_down,
            **changes,
            "observed_from": self.observed_from,
            "observed_until": self.observed_until,
            "authorities": len(self._authorities.code),
            "rows": {"episodes": len(self), "early_help": len(self._rows.early_help_row)},
            "put_in": asdict(self._parameters),
            "versions": {"rereferral": rereferral.__version__, "numpy": np.__version__},
        }

    def save(self, folder: str | os.PathLike[str], progress: Progress | bool | None = None) -> Path:
        """Write `episodes.csv`, `early_help.csv`, `authorities.csv` and `manifest.json`.

        Files of an earlier simulation are replaced, all together at the end; other files in the
        folder stay.

        Parameters
        ----------
        folder : str or path
            Made if it is missing.
        progress : bool or callable, optional
            True for a bar on a terminal; or a function of rows done and rows in all.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        RuleError
            The folder holds a file of one of these names that no simulation wrote.
        OSError
            A file cannot be written.
        """
        target = Path(folder)
        check_folder(target)
        target.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".simulate-", dir=target) as beside:
            new = Path(beside)
            with reporting(progress, "Writing") as report:
                write_csv(new / _FILES[0], self._episode_columns(), report)
            write_csv(new / _FILES[1], self._early_help_columns())
            write_csv(new / _FILES[2], self._authority_columns())
            text = json.dumps(self.manifest, indent=2) + "\n"
            (new / _MANIFEST).write_text(text, encoding="utf-8")
            for name in (*_FILES, _MANIFEST):
                os.replace(new / name, target / name)
        return target

    def _authority(self, codes: NDArray[np.uint8]) -> pd.Categorical:
        return pd.Categorical.from_codes(codes.astype(np.int16), self._authorities.code)

    def _episode_columns(self) -> dict[str, Any]:
        rows = self._rows
        reasons = list(REASONS)
        reason = np.where(rows.closure == model.NEVER, np.int8(-1), rows.reason)
        if self.step_down == "early help":
            reason[reason == reasons.index("RC9")] = reasons.index("RC8")
            reasons.remove("RC9")
        return {
            "authority": self._authority(self._codes.authority),
            "child_id": _child_ids(self._codes.child),
            "referral_date": _dates(rows.referral),
            "referral_source": pd.Categorical.from_codes(rows.source, SOURCE_CODES),
            "referral_nfa": rows.outcome == model.NFA,
            "assessment_date": _dates(rows.assessment),
            "closure_date": _dates(rows.closure),
            "reason_for_closure": pd.Categorical.from_codes(reason, reasons),
            "date_of_birth": _dates(rows.birth),
            "date_of_death": _dates(rows.death),
        }

    def _early_help_columns(self) -> dict[str, Any]:
        return {
            "authority": self._authority(self._codes.early_help_authority),
            "child_id": _child_ids(self._codes.early_help_child),
            "start_date": _dates(self._rows.early_help_start),
        }

    def _authority_columns(self) -> dict[str, Any]:
        some = self._authorities
        return {
            "authority": Text.from_any(some.code),
            "authority_name": Text.from_any(some.name),
            "region_code": Text.from_any(some.region_code),
            "region": Text.from_any(some.region),
            "status": Text.from_any(["SIMULATED"] * len(some.code)),
        }

    def __len__(self) -> int:
        """Episodes."""
        return len(self._rows.child)

    def __repr__(self) -> str:
        number = len(self._authorities.code)
        return (
            f"<Simulation: SIMULATED, calibration {self.calibration}, seed {self.seed}, "
            f"{len(self):,} episodes of {number} authorit{'y' if number == 1 else 'ies'}"
            f"{', with mergers' if self.mergers else ''}, "
            f"{self.observed_from} to {self.observed_until}>"
        )
