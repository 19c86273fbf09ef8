"""A hospital's desk: its table of exams, the command that reads it, and the sheets it approves."""

from __future__ import annotations

import shutil

import pytest

from cds_service import cli, enumeration
from cds_service.settings import shipped
from tests import small

SYSTEM = "urn:oid:1.2.3"
TABLE = """Exam code,Name,LOINC
CT1,CT ABD/PEL W CONTRAST,36813-4
CT2,CT HEAD W/O CONTRAST,
US1,US APPENDIX ZZTOP,
MR1,MRI BRAIN WO,30799-1
X1,Parking,
"""


class Desk:
    def __init__(self, root, capsys) -> None:
        self.site, self.table, self._capsys = root / "site", root / "exams.csv", capsys
        self.site.mkdir()
        self.folder = self.site / "codes" / "catalogue"

    def load(self, source: str | bytes = TABLE, *words: str) -> tuple[int, str, str]:
        self.table.write_bytes(source if isinstance(source, bytes) else source.encode())
        return self.run("catalogue", "import", str(self.table), "--system", SYSTEM, *words)

    def run(self, *words: str) -> tuple[int, str, str]:
        status = cli.main(words)
        said = self._capsys.readouterr()
        return status, said.out, said.err

    def approve(self, sheet: str, old: str = "status: proposed", new: str = "status: approved") -> None:
        path = self.folder / sheet
        text = path.read_text()
        assert old in text
        text = text.replace("{by: , on: }", "{by: Dr. Ray, on: 2026-01-02}")
        path.write_text(text.replace(old, new))


@pytest.fixture
def desk(tmp_path, monkeypatch, capsys):
    """A site beside a small set of rules, and the shipped codes of exams."""
    for name, source in small.files().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source)
    shutil.copytree(shipped("rules") / "codes" / "exams", tmp_path / "rules" / "codes" / "exams")
    monkeypatch.setenv("CDS_RULES", str(tmp_path / "rules"))
    monkeypatch.setenv("CDS_SITE", str(tmp_path / "site"))
    monkeypatch.setenv("CDS_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(enumeration, "look", lambda made, quick: enumeration.Report())  # lists of codes are no rules
    return Desk(tmp_path, capsys)
