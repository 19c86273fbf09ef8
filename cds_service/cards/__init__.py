"""Findings become cards: templates, ranking, and text made harmless."""
