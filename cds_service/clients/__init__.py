"""Who may call: clients, their dialects and the FHIR servers they may name."""

from cds_service.clients.clients import PROFILES, Client, Profile, load, parse

__all__ = ["PROFILES", "Client", "Profile", "load", "parse"]
