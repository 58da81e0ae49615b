"""A summary in style=bullets, for what shows it as a list of its own kind."""

MARK = "- "


def points_of(summary: str) -> list[str]:
    """Empty where it is no list. Told by the text, as nothing else has a mark before each of its lines."""
    lines = summary.splitlines()
    return [line.removeprefix(MARK) for line in lines] if all(line.startswith(MARK) for line in lines) else []
