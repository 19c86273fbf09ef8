"""A hospital's own exam catalogue: imported, reviewed, approved, in force; and everything that is refused on the way."""

from __future__ import annotations

import json

import pytest

from cds_service.app import build
from cds_service.catalogue import encoding, sheets, table
from cds_service.errors import ContentError
from cds_service.vocabulary import site_catalogue
from cds_service.yaml_source import read as read_yaml
from demo.children import plays
from tests.catalogue.conftest import SYSTEM, TABLE, Desk
from tests.http.rim import SIGN, Rim


def rows(desk: Desk) -> dict[str, tuple[str, site_catalogue.Row]]:
    files = {site_catalogue.FOLDER + one.name: one.read_bytes() for one in desk.folder.iterdir()}
    return {row.code: (sheet.file, row) for sheet in site_catalogue.read(files) for row in sheet.rows}


def test_each_row_is_proposed_with_how_sure_and_why(desk):
    status, out, err = desk.load()
    assert (status, err) == (0, "") and "Recognised: 3 of 5 (60.0 %)." in out
    assert sorted(one.name for one in desk.folder.iterdir()) == ["doubtful.yaml", "sure-ct.yaml", "unread.yaml"]
    found = rows(desk)
    assert found["CT1"][1].exam == "CT abdomen+pelvis with contrast"
    assert found["CT1"][1].why == "by LOINC 36813-4 and the name"
    assert found["CT2"][1].why == "by the name" and found["CT2"][0].endswith("sure-ct.yaml")
    assert found["US1"][1].why == "not read: zztop" and found["US1"][0].endswith("doubtful.yaml")
    assert found["MR1"][1].exam == "" and "LOINC 30799-1 is CT head" in found["MR1"][1].why
    assert found["X1"][0].endswith("unread.yaml") and not any(row.approved for _, row in found.values())


def called(desk: Desk, tmp_path) -> list[dict]:
    request = json.loads(json.dumps(next(one for one in plays() if one.name == "appendicitis-ct").request))
    order = request["context"]["draftOrders"]["entry"][0]["resource"]
    order["code"] = {"coding": [{"system": SYSTEM, "code": "CT1"}]}
    rim = Rim(CDS_DATA=str(tmp_path / "data"), CDS_SITE=str(desk.site))
    rim.app = build(rim.settings)
    return rim.ask("POST", SIGN, content=json.dumps(request)).json()["cards"]


def test_an_order_with_a_site_code_gets_its_card_once_the_code_is_approved(desk, tmp_path):
    desk.load()
    assert called(desk, tmp_path) == []
    desk.approve("sure-ct.yaml")
    assert desk.run("check", "--quick")[0] == 0
    (card,) = called(desk, tmp_path)
    assert "ultrasound" in card["summary"]


def test_approvals_stand_and_what_changed_is_told(desk):
    desk.load()
    desk.approve("sure-ct.yaml")
    desk.approve("doubtful.yaml")
    desk.approve("unread.yaml", "X1: {status: proposed, exam: ,", "X1: {status: approved, exam: not an exam,")
    before = (desk.folder / "sure-ct.yaml").read_bytes()
    changed = TABLE.replace("CT2,CT HEAD W/O CONTRAST", "CT2,CT CHEST").replace("US1,US APPENDIX ZZTOP,\n", "")
    status, out, _ = desk.load(changed + "CT3,CT NECK W CONTRAST,\n")
    assert status == 0 and (desk.folder / "sure-ct.yaml").read_bytes() == before
    found = rows(desk)
    assert found["CT2"][1].exam == "CT head without contrast" and found["CT2"][1].approved
    assert found["X1"][1].approved and found["X1"][0].endswith("/approved.yaml")
    assert not found["CT3"][1].approved and found["CT3"][0].endswith("sure-ct-2.yaml")
    assert (
        "CT2 is approved as CT head without contrast; its name was 'CT HEAD W/O CONTRAST' and is 'CT CHEST' now" in out
    )
    assert "US1 (US appendix) is approved and no longer in the table" in out
    assert "New since the last import: 1" in out


def test_nobody_approves_namelessly_and_a_typo_is_told(desk):
    desk.load()
    path = desk.folder / "sure-ct.yaml"
    path.write_text(path.read_text().replace("status: proposed", "status: approved"))
    status, _, err = desk.run("check", "--quick")
    assert status == 1 and "nobody says who approved, and when" in err
    path.write_text(path.read_text().replace("status: approved", "status: aproved"))
    assert "aproved is not a status; did you mean approved?" in desk.run("check", "--quick")[2]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("CT1: {exam: CT abdomen+pelvis with", "CT1: {exam: CT abdomen+pelvis without", "its own LOINC 36813-4 is CT abd"),
        ("CT1: {exam: CT abdomen+pelvis", "CT1: {exam: CT abdmen", "did you mean abdomen?"),
        ("CT2:", "US1:", "US1 stands also in"),
    ],
)  # fmt: skip
def test_check_refuses_contradictions(desk, old, new, said):
    desk.load()
    desk.approve("sure-ct.yaml")
    desk.approve("sure-ct.yaml", old, new)
    status, _, err = desk.run("check", "--quick")
    assert status == 1 and said in err and "site/codes/catalogue/" in err


def test_a_code_of_a_list_is_not_given_another_exam(desk):
    desk.load()
    desk.approve("sure-ct.yaml")
    own = desk.site / "codes" / "exams" / "own.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(f"system: {SYSTEM}\nsource: us\nreview: {{last: 2026-01-01, by: us}}\nexams: {{CT2: CT chest}}\n")
    assert "CT2 is CT head without contrast here and CT chest in a code list" in desk.run("check", "--quick")[2]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (b"", "exams.csv:1: the file is empty"),
        (b"PK\x03\x04\x14\x00\n\xff\n", "exams.csv:1: this is a workbook, no table in text; save the sheet as CSV, UTF-8"),
        (b"\xd0\xcf\x11\xe0\xa1", "exams.csv:1: this is a workbook, no table in text"),
        (b"Foo,Bar\n1,2\n", "no column holds the exam's code"),
        (b"Code,Name\n,CT\nA,\nB,CT\nB,CT head\n", "exams.csv:5: B stands already in line 4, with the name 'CT'"),
        (b"Code,Name\nA,CT,head\n", "exams.csv:2: the row has 3 cells, the header 2"),
        (b"Code,Name\nA," + b"x" * 301 + b"\n", "exams.csv:2: the name has 301 characters"),
        (b"Code,Name\n1.2E+05,CT\n", "a number a spreadsheet has shortened"),
        (b'Code,Name\nA,"CT\nB,MR\n', "exams.csv:2: a quote opens here and never closes"),
        ("Code,Name\nA,CT\nB,Schädel\n".encode("cp1252"), "exams.csv:3: this is not utf-8 text"),
        (b"Code,Name\n", "there are no rows"),
    ],
)  # fmt: skip
def test_a_bad_table_is_refused_whole(desk, source, said):
    status, out, err = desk.load(source)
    assert (status, out) == (1, "") and said in err and not desk.folder.exists()


def test_every_bad_row_is_named_and_earlier_sheets_stay(desk):
    desk.load()
    before = {one.name: one.read_bytes() for one in desk.folder.iterdir()}
    err = desk.load(b"Code,Name\n,CT\nA,\nB,CT\nB,CT\n")[2]
    assert [line.split(":")[1] for line in err.splitlines()[:-1]] == ["2", "3", "5"]
    assert before == {one.name: one.read_bytes() for one in desk.folder.iterdir()}


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_tables_come_in_every_dialect(mark):
    text = f'\ufeffProcedure ID{mark}Description{mark}CPT Code\r\n1{mark}"CT{mark}\r\nhead"{mark}70450\r\n'
    found = table.read(encoding.decode(text.encode(), "x"), "x", {})
    assert found.rows == (table.Listed("1", " ".join(f"CT{mark} head".split()), "", "70450", 2),)


def test_columns_and_encoding_can_be_named_and_a_dry_run_writes_nothing(desk):
    source = "Nummer;Text;Bezeichnung\n1;x;CT Head größer\n".encode("cp1252")
    words = ("--encoding", "cp1252", "--column", "code=Nummer", "--column", "name=Bezeichnung", "--dry-run")
    status, out, _ = desk.load(source, *words)
    assert status == 0 and "Nothing was written." in out and not desk.folder.exists()
    with pytest.raises(SystemExit):
        desk.load(source, "--column", "wat=Nummer")


def test_without_a_site_or_a_table_the_call_is_wrong(desk, monkeypatch):
    assert desk.run("catalogue", "import", "nowhere.csv")[0] == 2
    desk.table.write_text(TABLE)
    status, _, err = desk.run("catalogue", "import", str(desk.table))
    assert status == 1 and "whose codes these are is not known" in err
    monkeypatch.delenv("CDS_SITE")
    assert "CDS_SITE" in desk.run("catalogue", "import", str(desk.table))[2]


@pytest.mark.parametrize("text", ["true", "a: b", '"q"', "#x", "Köpf, {a}", "-1", "null", "1.5", "é", "a|b & c"])
def test_whatever_is_written_reads_back(text):
    assert read_yaml(f"a: {{b: {sheets.scalar(text)}}}", file="x")["a"]["b"] == text


def test_a_cut_off_import_is_put_right(desk):
    desk.load()
    desk.folder.rename(desk.folder.with_name(".catalogue-old"))
    assert desk.load()[0] == 0 and "New since" not in desk.load()[1]
    assert [one.name for one in desk.folder.parent.iterdir()] == ["catalogue"]


def test_a_sheet_that_is_no_yaml_is_refused():
    with pytest.raises(ContentError):
        site_catalogue.read({"a": b"codes: ["})
