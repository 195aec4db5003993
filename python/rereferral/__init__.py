"""Did a new referral follow? Links events of the same person over large tables, exactly."""

from rereferral.errors import CSVError, DataError, RereferralError, RuleError

__version__ = "0.1.0"

__all__ = ["CSVError", "DataError", "RereferralError", "RuleError"]
