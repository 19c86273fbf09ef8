"""How fast the service is, measured beside a bare application in the same run."""
