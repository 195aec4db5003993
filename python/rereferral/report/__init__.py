"""The report: the chain of *Too little, too late* as tables, figures and a page."""

from rereferral.report.report import Report, missed_opportunities

__all__ = ["Report", "missed_opportunities"]
