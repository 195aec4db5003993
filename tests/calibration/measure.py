"""Rates of an episodes table by sorting and searching in numpy: no code of the package is used."""

from __future__ import annotations

import numpy as np
import pandas as pd

NULL = np.iinfo(np.int64).min
LATER = np.iinfo(np.int64).max
DAYS = 1 << 16  # more than there are days in the table


def days(column: pd.Series) -> np.ndarray:
    return column.to_numpy("datetime64[D]").astype(np.int64)


def months_later(day: np.ndarray, months: int) -> np.ndarray:
    """The same day of the month, or the month's last."""
    date = day.astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    last = (month + months + 1).astype("datetime64[D]") - 1
    same = (month + months).astype("datetime64[D]") + (date - month)
    return np.minimum(same, last).astype(np.int64)


def birthday(birth: np.ndarray, age: int) -> np.ndarray:
    """Born on 29 February: 1 March of a common year."""
    date = birth.astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    return ((month + 12 * age).astype("datetime64[D]") + (date - month)).astype(np.int64)


def financial_year(day: np.ndarray) -> np.ndarray:
    month = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return 1970 + (month + 9) // 12


class Measured:
    """One table: where each row's neighbours are.

    Parameters
    ----------
    episodes : DataFrame
        As `rr.simulate` gives it.
    observed_until : str
        Last day of the table.
    """

    def __init__(self, episodes: pd.DataFrame, observed_until: str) -> None:
        self.until = int(np.datetime64(observed_until, "D").astype(np.int64))
        authority = episodes["authority"].cat.codes.to_numpy(np.int64)
        child = pd.factorize(episodes["child_id"])[0].astype(np.int64)
        person = authority * (child.max() + 1) + child
        self.authority, self.person = authority, person
        self.referral = days(episodes["referral_date"])
        self.closure = days(episodes["closure_date"])
        self.closed = self.closure != NULL
        self.adult = birthday(days(episodes["date_of_birth"]), 18)
        self._reason = episodes["reason_for_closure"].cat

        origin = int(self.referral.min())
        keys = np.sort(person * DAYS + (self.referral - origin))

        at = np.searchsorted(keys, person * DAYS + (self.referral - origin), "left") - 1
        before = keys[np.maximum(at, 0)]
        mine = (at >= 0) & (before // DAYS == person)
        self.previous = np.where(mine, before % DAYS + origin, NULL)

        closure = np.where(self.closed, self.closure, self.until)
        at = np.searchsorted(keys, person * DAYS + (closure - origin), "right")
        after = keys[np.minimum(at, len(keys) - 1)]
        mine = self.closed & (at < len(keys)) & (after // DAYS == person)
        self.next = np.where(mine, after % DAYS + origin, LATER)

        self.year = financial_year(self.referral)
        self.closure_year = np.where(self.closed, financial_year(closure), 0)

    def reason(self, *reasons: str) -> np.ndarray:
        """Rows with one of the reasons for closure."""
        wanted = self._reason.categories.get_indexer(list(reasons))
        return np.isin(self._reason.codes.to_numpy(), wanted)

    def looked_back(self) -> np.ndarray:
        """Referrals within 12 months of an earlier referral of the child."""
        known = self.previous != NULL
        return known & (months_later(np.where(known, self.previous, 0), 12) >= self.referral)

    def returned(self) -> np.ndarray:
        """Closures that a referral followed within 12 months."""
        return self.next <= months_later(np.where(self.closed, self.closure, 0), 12)

    def complete(self) -> np.ndarray:
        """Closures with 12 months of follow-up."""
        return self.closed & (
            months_later(np.where(self.closed, self.closure, 0), 12) <= self.until
        )

    def kaplan_meier(self, rows: np.ndarray, day: int) -> float:
        """Risk by `day` after closure, censored at the 18th birthday and the last day."""
        rows = np.flatnonzero(rows & self.closed)
        # On the birthday itself the child is no longer at risk.
        last = np.minimum(self.until, self.adult[rows] - 1) - self.closure[rows]
        event = self.next[rows] <= last + self.closure[rows]
        time = np.where(event, self.next[rows] - self.closure[rows], last)
        at_risk = time >= 0
        time, event = time[at_risk], event[at_risk]
        events = np.bincount(time[event], minlength=day + 1)[: day + 1]
        ended = np.bincount(time, minlength=day + 1)
        left = len(time) - np.concatenate([[0], np.cumsum(ended)])[: day + 1]
        return 1 - float(np.prod(1 - events / left))

    def by_authority(self, hit: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Counts of `rows` by authority, and the rate of `hit` among them."""
        n = np.bincount(self.authority[rows])
        x = np.bincount(self.authority[rows & hit], minlength=len(n))
        return n, x / np.maximum(n, 1)
