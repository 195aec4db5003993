"""The linkage once more: slow and plain, to be compared with `rr.link`.

Days are ints since 1970-01-01, tables are lists of dicts, a missing value is None. Every pair of an
index row and an event row is looked at; nothing is sorted, cut off early or remembered.

`days` counts days and months, `tables` reads rows, `rules` holds a definition and refuses it,
`search` looks at one index row, `linkage` takes the steps one after another, `pairs` lists every
match, `estimates` has rates and curves in fractions, `presets` the published definitions.
"""

from .days import CYCLE, add_months, add_span, birthday, civil, is_span, parse_span
from .estimates import curve_reference, rates_at_event, rates_reference
from .linkage import Linked, link_reference
from .pairs import pairs_reference
from .presets import PRESETS, Preset
from .rules import Birthday, Eligible, Exit, Mediator, RefusedError, Rules
from .tables import area_days, open_elsewhere

__all__ = [
    "CYCLE",
    "PRESETS",
    "Birthday",
    "Eligible",
    "Exit",
    "Linked",
    "Mediator",
    "Preset",
    "RefusedError",
    "Rules",
    "add_months",
    "add_span",
    "area_days",
    "birthday",
    "civil",
    "curve_reference",
    "is_span",
    "link_reference",
    "open_elsewhere",
    "pairs_reference",
    "parse_span",
    "rates_at_event",
    "rates_reference",
]
