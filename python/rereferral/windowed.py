"""`WindowedLinks`: the links of several windows, and their tables one below the other."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from rereferral.definition import Definition
from rereferral.errors import RuleError
from rereferral.links import Links
from rereferral.spans import Span, parse_span

__all__ = ["WindowedLinks"]


_OF_ONE = (
    "arm",
    "count",
    "event_date",
    "event_row",
    "followed",
    "gap_days",
    "outcome",
    "outcome_names",
    "__arrow_c_stream__",
)


class WindowedLinks(Links):
    """The links of several windows. Made by `rereferral.link` where `window` is a list.

    ``links["6 months"]`` is the `Links` of one window, and has the arrays. Tables are those of the
    windows one below the other, with a first column ``window``.

    Attributes
    ----------
    definition : Definition
        The rules that were applied, with all windows.
    windows : tuple of str
        The windows in the order given: ``"6 months"``, ``"30 days"``, ``"any time"``.
    """

    def __init__(self, definition: Definition, links: dict[Span, Links]) -> None:
        self.definition = definition
        self._links = links

    @property
    def windows(self) -> tuple[str, ...]:
        """The windows in the order given, in words."""
        return tuple(map(str, self._links))

    def __getitem__(self, window: object) -> Links:
        """The links of one window, however its span is written."""
        span = parse_span(None if window == "any time" else window, "window")
        if span not in self._links:
            raise RuleError(f"there is no window of {span}; there are {', '.join(self.windows)}")
        return self._links[span]

    def __iter__(self) -> Iterator[str]:
        return iter(self.windows)

    def items(self) -> Iterator[tuple[str, Links]]:
        """Each window with its links."""
        return iter(zip(self.windows, self._links.values(), strict=True))

    def __len__(self) -> int:
        return len(next(iter(self._links.values())))

    def rates(self, *args: Any, **kwargs: Any) -> pd.DataFrame:
        """As :meth:`Links.rates`, with a first column ``window``."""
        return self._below(lambda links: links.rates(*args, **kwargs))

    def curve(self, *args: Any, **kwargs: Any) -> pd.DataFrame:
        """As :meth:`Links.curve`, with a first column ``window``."""
        return self._below(lambda links: links.curve(*args, **kwargs))

    def mean_count(self, *args: Any, **kwargs: Any) -> pd.DataFrame:
        """As :meth:`Links.mean_count`, with a first column ``window``."""
        return self._below(lambda links: links.mean_count(*args, **kwargs))

    def arms(self, *args: Any, **kwargs: Any) -> pd.DataFrame:
        """As :meth:`Links.arms`, with a first column ``window``."""
        return self._below(lambda links: links.arms(*args, **kwargs))

    @property
    def ledger(self) -> pd.DataFrame:
        """Who was left out, and why, by window."""
        return self._below(lambda links: links.ledger)

    @property
    def completeness(self) -> pd.DataFrame:
        """As :attr:`Links.completeness`, with a first column ``window``."""
        return self._below(lambda links: links.completeness)

    def to_pandas(self) -> pd.DataFrame:
        """As :meth:`Links.to_pandas`, with a first column ``window``: every index event stands
        there once for each window, with its label.
        """
        return self._stacked(Links.to_pandas)

    def _below(self, table: Callable[[Links], pd.DataFrame]) -> pd.DataFrame:
        return self._stacked(table).reset_index(drop=True)

    def _stacked(self, table: Callable[[Links], pd.DataFrame]) -> pd.DataFrame:
        frames = [table(links) for links in self._links.values()]
        codes = np.repeat(np.arange(len(frames)), [len(frame) for frame in frames])
        window = pd.Categorical.from_codes(codes, categories=list(self.windows), ordered=True)
        together = pd.concat(frames)
        together.insert(0, "window", window)
        return together

    def __getattribute__(self, name: str) -> Any:
        if name in _OF_ONE:
            raise RuleError(
                f"{name} is that of one window; write links[{self.windows[0]!r}].{name}"
            )
        return super().__getattribute__(name)

    def __repr__(self) -> str:
        lines = [f"{window}: {links.in_short()[0]}" for window, links in self.items()]
        one = next(iter(self._links.values()))
        return "\n".join(["Links of several windows", *lines, str(self.definition), one.reading])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<li>{window}: {html.escape(links.in_short()[0])}</li>"
            for window, links in self.items()
        )
        return f"<ul>{rows}</ul><p>{html.escape(str(self.definition))}</p>"
