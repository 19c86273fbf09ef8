"""Recognising which exam an order, a report or a procedure is about."""

from cds_service.facts.exams.recognise import Recognised, recognise, recognise_concept

__all__ = ["Recognised", "recognise", "recognise_concept"]
