"""Rules of disclosure control as values: which counts a release must not let anyone find."""

from __future__ import annotations

import dataclasses

from rereferral.errors import RuleError

__all__ = ["BY_NAME", "CCWIP", "DFE", "OPENSAFELY", "Rule", "checked"]


@dataclasses.dataclass(frozen=True)
class Rule:
    """What is small, how it is hidden, and how the rest is rounded.

    Attributes
    ----------
    name : str
        What the rule is called.
    small : (int, int)
        The counts that nobody may find, from and to, both in: ``(1, 5)``.
    symbol : str
        What stands in the place of a hidden count, and of what is computed from it.
    zeroed : bool
        Small counts are shown as 0 instead, as is 0 itself; then all counts are rounded.
    round_areas : int
        The multiple to which counts of single areas are rounded, half up; 1: they are exact.
    round_totals : int
        The same for counts of several areas together.
    decimals : int
        Of percentages, and of whatever else is computed from counts.
    values : int
        How many values each small count must still be able to have for whoever knows everything
        else that is published. No published rule has a number for this; 3 is the choice of this
        package.
    source : str
        Where the rule is from, and what of it is not.

    Raises
    ------
    RuleError
        A field is out of range.

    Examples
    --------
    >>> import rereferral as rr
    >>> rr.rules.DFE.small, rr.rules.DFE.round_totals
    ((1, 5), 10)
    >>> ours = rr.rules.Rule("ours", small=(1, 9), symbol="*")
    >>> print(ours)
    ours: counts from 1 to 9 are hidden as *; percentages have 1 decimal; each hidden count could \
still be 3 values or more
    """

    name: str
    small: tuple[int, int] = (1, 5)
    symbol: str = "c"
    zeroed: bool = False
    round_areas: int = 1
    round_totals: int = 1
    decimals: int = 1
    values: int = 3
    source: str = ""

    def __post_init__(self) -> None:
        low, high = self.small
        if not 1 <= low <= high:
            raise RuleError(f"small={self.small!r} must be two counts from 1 on, the lower first")
        for name in ("round_areas", "round_totals"):
            if getattr(self, name) < 1:
                raise RuleError(f"{name}={getattr(self, name)!r} must be 1 or more")
        if not 0 <= self.decimals <= 4:
            raise RuleError(f"decimals={self.decimals!r} must be from 0 to 4")
        if self.values < 2:
            raise RuleError(f"values={self.values!r} must be 2 or more")
        if self.values > high - low + 1:
            raise RuleError(
                f"values={self.values!r}, but a count from {low} to {high} has no more than "
                f"{high - low + 1}"
            )
        if self.zeroed and (low != 1 or min(self.round_areas, self.round_totals) == 1):
            raise RuleError("zeroed needs small counts from 1 on, and all counts rounded")
        if not self.symbol.strip():
            raise RuleError("symbol must be a mark that can be seen")

    def base(self, total: bool) -> int:
        """The multiple to which counts are rounded: of several areas together, or of one."""
        return self.round_totals if total else self.round_areas

    def is_small(self, count: int) -> bool:
        """Whether nobody may find this count."""
        return self.small[0] <= count <= self.small[1]

    def __str__(self) -> str:
        low, high = self.small
        hidden = "shown as 0, as is 0 itself" if self.zeroed else f"hidden as {self.symbol}"
        parts = [f"counts from {low} to {high} are {hidden}"]
        if self.round_areas == self.round_totals > 1:
            parts.append(f"all others are rounded to {self.round_areas}")
        else:
            if self.round_areas > 1:
                parts.append(f"counts of an area are rounded to {self.round_areas}")
            if self.round_totals > 1:
                also = "" if self.round_areas > 1 else "are rounded "
                parts.append(f"counts of several areas together {also}to {self.round_totals}")
        parts.append(f"percentages have {self.decimals} decimal{'' if self.decimals == 1 else 's'}")
        parts.append(f"each hidden count could still be {self.values} values or more")
        return f"{self.name}: {'; '.join(parts)}"


DFE = Rule(
    "DfE",
    small=(1, 5),
    symbol="c",
    round_totals=10,
    source="Department for Education, Children in need statistics: methodology. Counts from 1 to 5 "
    "of an authority are suppressed, others are exact, 0 is shown; regional and national counts "
    "are rounded to 10. That each hidden count could be 3 values is not the Department's.",
)
"""The Department for Education's rule for children in need."""

OPENSAFELY = Rule(
    "OpenSAFELY",
    small=(1, 7),
    zeroed=True,
    round_areas=5,
    round_totals=5,
    source="OpenSAFELY, Output checking: counts up to 7 are redacted, here shown as 0, and all are "
    "rounded to 5. That each hidden count could be 3 values is not OpenSAFELY's.",
)
"""The rule of OpenSAFELY for what leaves the secure server."""

CCWIP = Rule(
    "CCWIP",
    small=(1, 10),
    symbol="M",
    source="California Child Welfare Indicators Project, Notes on source data: values of 1 to 10 "
    "and calculations based on them are masked. That each could be 3 values is not the Project's.",
)
"""The rule of the California Child Welfare Indicators Project."""

BY_NAME = {rule.name.casefold(): rule for rule in (DFE, OPENSAFELY, CCWIP)}
"""The published rules by their names in small letters."""


def checked(rule: object) -> Rule:
    """The rule that was asked for, as a Rule.

    Parameters
    ----------
    rule : Rule or str
        A rule, or the name of a published one in any case: ``"dfe"``, ``"opensafely"``,
        ``"ccwip"``.

    Raises
    ------
    RuleError
        It is neither.

    Examples
    --------
    >>> checked("OpenSAFELY") is OPENSAFELY, checked(DFE) is DFE
    (True, True)
    """
    if isinstance(rule, Rule):
        return rule
    found = BY_NAME.get(rule.casefold()) if isinstance(rule, str) else None
    if found is None:
        raise RuleError(
            f"rule={rule!r} is no rule; give rereferral.rules.DFE, .OPENSAFELY, .CCWIP or a Rule "
            "of your own"
        )
    return found
