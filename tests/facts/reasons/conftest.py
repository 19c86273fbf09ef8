from pathlib import Path

import pytest

from cds_service.vocabulary import reason_files
from cds_service.vocabulary.reason_codes import ReasonCodes

FOLDER = Path(__file__).parents[3] / "rules" / "codes" / "reasons"


@pytest.fixture(scope="session")
def codes() -> ReasonCodes:
    return reason_files.load({path.name: path.read_bytes() for path in FOLDER.glob("*.yaml")})
