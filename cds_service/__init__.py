"""Clinical decision support for children's imaging orders, spoken over CDS Hooks."""

__version__ = "0.1.0"
