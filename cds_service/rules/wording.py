"""Small words of judgements: sentences and capitals."""

from __future__ import annotations


def sentence(text: str) -> str:
    """
    *text* with a full stop when it has no end of its own.

    >>> sentence("Suspected appendicitis"), sentence("Which one?")
    ('Suspected appendicitis.', 'Which one?')
    """
    return text if text.endswith((".", "?", "!")) else f"{text}."


def capital(text: str) -> str:
    """
    *text* with a capital first letter.

    >>> capital("ultrasound of the hip")
    'Ultrasound of the hip'
    """
    return text[:1].upper() + text[1:]
