"""
Clinical findings and safety facts, read from the record: from codes, values, forms and a few texts.

Nothing recorded is never a no. Nothing is read before a rule asks for a fact, and then everything in one pass.
"""

from cds_service.facts.findings.read import Findings, read_findings

__all__ = ["Findings", "read_findings"]
