"""What a summariser comes to, without the packages that measure it: they take four seconds to import."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scores:
    """ROUGE, per cent."""

    rouge1: float
    rouge2: float
    rouge_lsum: float
