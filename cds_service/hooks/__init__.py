"""CDS Hooks on the wire, field for field."""
