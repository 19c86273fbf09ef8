"""The hinge between FHIR and rules: facts, exams, regions, quantities, and the code lists."""
