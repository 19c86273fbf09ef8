"""The one style sheet of the pages: readable on a phone, in the dark, and on paper."""

from pathlib import Path
from typing import Final

STYLE: Final = Path(__file__).with_name("style.css").read_text()
