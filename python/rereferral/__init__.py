"""Did a new referral follow? Links events of the same person over large tables, exactly."""

from rereferral import definitions, plots, rules, spending
from rereferral.comparing import Comparison, compare
from rereferral.completeness import completeness
from rereferral.curves import curve
from rereferral.definition import Definition
from rereferral.disclosure import Attack, Release, attack, protect
from rereferral.errors import CSVError, DataError, RereferralError, RuleError
from rereferral.estimate import Estimate, estimate_total
from rereferral.formats import dfe
from rereferral.ledger import compare_ledgers
from rereferral.lineage import crosswalk
from rereferral.linking import link
from rereferral.links import Links
from rereferral.mean_counts import mean_count
from rereferral.pairing import Pairs, pairs
from rereferral.prepared import Prepared, prepare
from rereferral.rates import wilson
from rereferral.reach import Reach, reach
from rereferral.reading import read_columns, read_csv
from rereferral.report import Report, missed_opportunities
from rereferral.rule_values import Eligible, Exit, Mediator, birthday
from rereferral.sensitivity import landmarks
from rereferral.simulate import Simulation, simulate
from rereferral.spells import Spells, merge_spells
from rereferral.text import Text
from rereferral.threads import get_num_threads, set_num_threads
from rereferral.variation import Funnel, League, funnel, league, trend
from rereferral.verdicts.beside import PublishedFigures, published_figures

__version__ = "0.1.0"


def __dir__() -> list[str]:
    """What is meant for others; the modules have names too."""
    return sorted([*__all__, "__version__"])


__all__ = [
    "Attack",
    "CSVError",
    "Comparison",
    "DataError",
    "Definition",
    "Eligible",
    "Estimate",
    "Exit",
    "Funnel",
    "League",
    "Links",
    "Mediator",
    "Pairs",
    "Prepared",
    "PublishedFigures",
    "Reach",
    "Release",
    "Report",
    "RereferralError",
    "RuleError",
    "Simulation",
    "Spells",
    "Text",
    "attack",
    "birthday",
    "compare",
    "compare_ledgers",
    "completeness",
    "crosswalk",
    "curve",
    "definitions",
    "dfe",
    "estimate_total",
    "funnel",
    "get_num_threads",
    "landmarks",
    "league",
    "link",
    "mean_count",
    "merge_spells",
    "missed_opportunities",
    "pairs",
    "plots",
    "prepare",
    "protect",
    "published_figures",
    "reach",
    "read_columns",
    "read_csv",
    "rules",
    "set_num_threads",
    "simulate",
    "spending",
    "trend",
    "wilson",
]
