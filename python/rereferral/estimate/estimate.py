"""`rereferral.estimate_total`: England from the authorities that answered."""

from __future__ import annotations

import html
import os
import pathlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rereferral.errors import DataError, RuleError
from rereferral.estimate.answers import Answers, read_answers
from rereferral.estimate.estimators import AUTHORITIES, CONDITION, SIZE, Choice, Estimators
from rereferral.estimate.limits import METHODS
from rereferral.estimate.saving import RESULT, check_answers, write
from rereferral.estimate.shown import as_count, as_percent, is_rate, shown
from rereferral.folders import check_folder
from rereferral.rules import DFE, Rule, checked

__all__ = ["Estimate", "estimate_total"]


@dataclass(frozen=True, eq=False)
class Estimate:
    """Totals and rates of all authorities, and what stands beside them.

    Attributes
    ----------
    table : DataFrame
        A row for each quantity, estimator, scaling variable and kind of limits: ``quantity``;
        ``estimator`` (expansion, ratio); ``scaled_by``; ``within`` (the groups of a post-stratified
        estimate, or ``""``); ``limits``; ``answered`` and ``areas``, how many; ``estimate``,
        ``std_error``, ``df``, ``lower``, ``upper`` (counts, or rates from 0 to 1); ``condition``,
        under which the limits hold; ``note``, why an estimate is missing.
    main : DataFrame
        The rows of it that were asked for first.
    responders : DataFrame or None
        A published rate of those who answered beside that of all; None where no columns were named.
    tipping : DataFrame
        How strongly answering would have to go with the rate to move the main estimate so far.
    bounds : DataFrame
        The main estimate if the others were all at the lowest or the highest rate.
    by_year : DataFrame or None
        The main estimate year by year.
    missing : DataFrame
        Cells without a number, and the symbol that stood there: of the ``sample``, no answers, or
        of the ``frame``, published figures that are missing.
    answers : DataFrame
        What was answered, by area (and year): `count` and `of`; NaN: no answer.
    level, fpc : float, bool
        As asked for.
    condition : str
        What every limit rests on.
    """

    table: pd.DataFrame
    main: pd.DataFrame
    responders: pd.DataFrame | None
    tipping: pd.DataFrame
    bounds: pd.DataFrame
    by_year: pd.DataFrame | None
    missing: pd.DataFrame
    answers: pd.DataFrame
    level: float
    fpc: bool
    condition: str = CONDITION

    def save(
        self,
        folder: str | os.PathLike[str],
        inputs: Sequence[str | os.PathLike[str]] = (),
        *,
        rule: Rule | str | None = DFE,
    ) -> pathlib.Path:
        """Write every table as CSV, and a manifest, into a folder.

        Whatever is made of answers that may all be told tells nothing more. So an estimate is
        written if no answer is small by the rule, nor what a count leaves of the one it is a part
        of. Nothing is rounded.

        Parameters
        ----------
        folder : path
            A new folder, an empty one, or that of an earlier estimate, which is replaced.
        inputs : sequence of paths
            The files that the answers came from; their hashes go into the manifest.
        rule : Rule, str or None, default `rereferral.rules.DFE`
            What is small: one of `rereferral.rules`, its name (``"dfe"``, ``"opensafely"``,
            ``"ccwip"``), or a Rule of your own. None: anything is written, with UNPROTECTED in the
            name of every file but the manifest.

        Returns
        -------
        pathlib.Path
            The folder.

        Raises
        ------
        RuleError
            An answer is small by the rule, the folder holds anything but an earlier estimate, or
            `rule` is no rule.
        OSError
            A file cannot be read or written.
        """
        wanted = None if rule is None else checked(rule)
        folder = os.path.expanduser(folder)
        check_folder(folder, RESULT)
        if wanted is not None:
            check_answers(self.answers, wanted)
        facts = {"level": self.level, "fpc": self.fpc, "condition": self.condition}
        return write(folder, self.tables(), facts, inputs, wanted)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by name: what is written to files."""
        found = {
            "estimates": self.table,
            "sensitivity": self.sensitivity(),
            "by_year": self.by_year,
            "responders": self.responders,
            "tipping": self.tipping,
            "bounds": self.bounds,
            "missing": self.missing,
        }
        return {name: table for name, table in found.items() if table is not None}

    def sensitivity(self) -> pd.DataFrame:
        """How the estimates differ with the scaling variable and the groups, limits of one kind."""
        kind = self.main["limits"].iloc[0]
        chosen = self.table[self.table["limits"] == kind]
        columns = ["quantity", "estimator", "scaled_by", "within", "estimate", "lower", "upper"]
        return chosen[[*columns, "note"]].reset_index(drop=True)

    def __repr__(self) -> str:
        return "\n".join([*self._words(), "", _plain(self.sensitivity())])

    def _repr_html_(self) -> str:
        words = "".join(f"<p>{html.escape(line)}</p>" for line in self._words())
        return words + str(shown(self.sensitivity()).to_html(index=False))

    def _words(self) -> list[str]:
        lines = []
        for row in self.main.itertuples():
            answered = f"{row.answered} of {row.areas} answered, scaled by {row.scaled_by}"
            if np.isnan(row.estimate):
                lines.append(f"{row.quantity}: no estimate, because {row.note}; {answered}")
                continue
            show = as_percent if is_rate(row.quantity) else as_count
            limits = f"{self.level * 100:g} % limits {show(row.lower)} to {show(row.upper)}"
            if np.isnan(row.lower):
                limits = f"no limits ({row.note})"
            lines.append(
                f"{row.quantity}: {show(row.estimate)}, {limits} {self.condition}; {answered}"
            )
        return lines

    def in_words(self) -> str:
        """Everything that stands beside the estimate, as text: what the command prints."""
        parts = [repr(self)]
        left_out = {"estimates", "sensitivity", "missing"}
        if np.isnan(self.main["estimate"].iloc[0]):
            left_out.add("tipping")  # nothing is there to be moved
        for title, table in self.tables().items():
            if title not in left_out:
                parts.append(f"{title.replace('_', ' ')}\n{_plain(table)}")
        parts += self._missing_in_words()
        return "\n\n".join(parts)

    def _missing_in_words(self) -> list[str]:
        """How many cells of each table have no number: the two are missed by different people."""
        lines = []
        unanswered = int(self.missing["table"].eq("sample").sum())
        if unanswered:
            lines.append(f"No answer in {unanswered:,} cell{'' if unanswered == 1 else 's'}.")
        unpublished = len(self.missing) - unanswered
        if unpublished:
            figures = "figure" if unpublished == 1 else "figures"
            are = "is" if unpublished == 1 else "are"
            lines.append(f"{unpublished:,} published {figures} of the frame {are} missing.")
        return lines


def _plain(table: pd.DataFrame) -> str:
    return str(shown(table).to_string(index=False))


def estimate_total(
    sample: Any,
    frame: Any,
    *,
    count: str,
    of: str | None = None,
    scale: str | Sequence[str],
    within: str | Sequence[str] = (),
    area: str = "authority",
    year: str | None = None,
    limits: str | Sequence[str] = "jackknife",
    level: float = 0.95,
    fpc: bool = False,
    published: tuple[str, str] | None = None,
    against: float | None = None,
    replicates: int = 2_000,
    seed: int = 0,
) -> Estimate:
    """Estimate the total of all authorities from the answers of some.

    Every limit holds only **if the answering authorities were a random sample** of all. Who
    answered by choice was none, so beside the limits stand how those who answered differ in what is
    published of all, how far the others would have to differ to move the estimate, and what it
    would be if they all lay at an extreme.

    Parameters
    ----------
    sample : DataFrame or other small table
        Answers: a row for each authority (and year). Whole numbers, 0 or more; an empty field or a
        symbol (c, x, z, u, low) is no answer, and is listed.
    frame : DataFrame or other small table
        All authorities (in each year): the sizes that are scaled by, all above 0.
    count : str
        The column of the sample that is totalled.
    of : str, optional
        A column of the sample that `count` is a part of. It is totalled too, and so is the rate of
        the two, over the authorities that answered both.
    scale : str or sequence of str
        Columns of the frame: assessments, referrals, children. The first gives the main estimate;
        the others, and the plain expansion by the number of authorities, stand beside it.
    within : str or sequence of str, optional
        Groups within which each estimate is also made, and added up (post-stratified): columns of
        the frame, such as the region, and ``"size"``, thirds of the authorities by size.
    area, year : str
        Columns of both tables. Without `year` each authority stands once in each; with it the total
        is that of all years, and authorities are the sampling units.
    limits : str or sequence of str
        Of ``"jackknife"`` (the default), ``"linearised"``, ``"bootstrap"``, ``"bootstrap-t"``; the
        first are those of the main estimate.
    level : float, default 0.95
        Confidence level.
    fpc : bool, default False
        Finite population correction: the variance of a random sample without replacement. A sample
        that chose itself says nothing certain of the others, however large a share it is.
    published : tuple of str, optional
        Two columns of the frame, a published count and what it is a part of (re-referrals,
        referrals), to hold those who answered against all.
    against : float, optional
        Another figure for the total of `count`, for the tipping point.
    replicates, seed : int
        Of the bootstraps.

    Returns
    -------
    Estimate

    Raises
    ------
    DataError
        An authority of the sample is not in the frame, a size is missing or not above 0, a count is
        negative, not whole, or above what it is a part of, or a cell holds what is no number and no
        known symbol: each by name.
    RuleError
        An argument is unknown or out of range.

    Notes
    -----
    The total of a year and group is what was answered, over the sizes of those who answered, times
    the sizes of all. Areas count with the years they answered; one that left a year out is missing
    in that year alone. Student's t has as many degrees of freedom as areas that answered, less one
    for each group. Limits are not cut off at what is possible: one below 0 says that there are too
    few answers for it.

    References
    ----------
    W. G. Cochran, Sampling Techniques, 3rd edition, 1977, chapters 2, 6 and 5A.9.

    Examples
    --------
    >>> import pandas as pd, rereferral as rr
    >>> frame = pd.DataFrame({"authority": list("abcdef"), "children": [30, 20, 50, 40, 10, 60]})
    >>> sample = pd.DataFrame({"authority": list("abc"), "closed": [6, 5, 9]})
    >>> found = rr.estimate_total(sample, frame, count="closed", scale="children")
    >>> print(found)  # doctest: +NORMALIZE_WHITESPACE
    closed: 42, 95 % limits 25 to 59 if the answering authorities were a random sample; 3 of 6
    answered, scaled by children
    <BLANKLINE>
    quantity estimator   scaled by estimate lower upper
      closed     ratio    children       42    25    59
      closed expansion authorities       40     9    71
    """
    scales = _names(scale, "scale")
    groupings = _names(within, "within") if within else []
    methods = _methods(limits)
    if not 0 < level < 1:
        raise RuleError(f"level={level!r} is not between 0 and 1")
    if replicates < 100:
        raise RuleError(f"replicates={replicates!r} are too few for limits; give 100 or more")
    answers = read_answers(
        sample,
        frame,
        counts=[count, *([] if of is None else [of])],
        sizes=[name for name in scales if name != AUTHORITIES],
        published=list(published or ()),
        strata=[name for name in groupings if name != SIZE],
        area=area,
        year=year,
    )
    for name, counts in answers.counts.items():
        if not np.isfinite(counts).any():
            raise DataError(f"sample: nobody answered {name}")
    _refuse_too_many(answers, count, of)
    estimators = Estimators(answers, count, of, level, fpc, replicates, seed)
    wanted = [Choice(name, "") for name in dict.fromkeys([*scales, AUTHORITIES])]
    wanted += [Choice(name, group) for group in groupings for name in scales]
    rows = [row for choice in wanted for row in estimators.rows(choice, scales[0], methods)]
    table = pd.DataFrame(rows)
    first = table["limits"].eq(methods[0]) & table["scaled_by"].eq(scales[0])
    main = table[first & table["within"].eq("")].reset_index(drop=True)
    return Estimate(
        table=table,
        main=main,
        responders=estimators.responders(published),
        tipping=estimators.tipping(scales[0], main, against),
        bounds=estimators.bounds(scales[0], published),
        by_year=estimators.by_year(scales[0], methods[0]) if year is not None else None,
        missing=answers.missing,
        answers=answers.given(area, year),
        level=level,
        fpc=fpc,
    )


def _names(given: str | Sequence[str], what: str) -> list[str]:
    names = [given] if isinstance(given, str) else list(given)
    if not names or not all(isinstance(name, str) for name in names):
        raise RuleError(f"{what}={given!r} names no columns")
    return list(dict.fromkeys(names))


def _methods(given: str | Sequence[str]) -> list[str]:
    methods = _names(given, "limits")
    for method in methods:
        if method not in METHODS:
            raise RuleError(f"limits={method!r} is none of {', '.join(METHODS)}")
    return methods


def _refuse_too_many(answers: Answers, count: str, of: str | None) -> None:
    if of is None:
        return
    above = np.argwhere(answers.counts[count] > answers.counts[of])
    if len(above):
        row, column = above[0]
        when = "" if answers.years[column] is None else f" in {answers.years[column]}"
        raise DataError(
            f"sample: {count} of {answers.areas[row]}{when} is "
            f"{answers.counts[count][row, column]:g}, above its {of} of "
            f"{answers.counts[of][row, column]:g}"
        )
