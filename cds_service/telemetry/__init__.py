"""What the service says about itself: log lines, counters and traces, none of which can name a patient."""

from cds_service.telemetry.lines import FIELDS, allowed, configure, log, place
from cds_service.telemetry.metrics import Metrics

__all__ = ["FIELDS", "Metrics", "allowed", "configure", "log", "place"]
