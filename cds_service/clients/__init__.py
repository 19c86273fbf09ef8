"""Who may call: clients, their dialects, the FHIR servers they may name, and how they prove who they are."""

from cds_service.clients.clients import PROFILES, Client, Profile, checked, load, parse

__all__ = ["PROFILES", "Client", "Profile", "checked", "load", "parse"]
