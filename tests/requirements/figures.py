"""What long runs measured, said at the end of a run (``make soak``)."""

SAID: list[str] = []


def say(line: str) -> None:
    """Keep *line* for the summary."""
    SAID.append(line)
