"""FHIR → facts."""
