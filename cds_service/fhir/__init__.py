"""What of FHIR is read, and how what is missing is fetched."""
