"""
The whole rule set tried out: every combination of facts a topic can tell apart, judged by the judge itself.

What is judged is held to promises that are written down apart from the judge (``promises``, ``bars``).
Only ``cds-service check`` does this; the service never waits for it.
"""

from cds_service.enumeration.report import Report, Size, summary, table
from cds_service.enumeration.trials import look

__all__ = ["Report", "Size", "look", "summary", "table"]
