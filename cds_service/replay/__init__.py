"""Decisions judged again: by the rules of their day, to see why; by other rules, to see what would be different."""
