"""The command line: what it prints, on which stream, and with which exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import uvicorn

from cds_service import __version__, cli, telemetry
from tests.hooks.requests import body, call
from tests.rules.desk import HEAD, WIDTH
from tests.small import APPROVED, BELLY, ORDERS, Folder, changed


class Line:
    """The command line with a small content folder in its environment."""

    def __init__(self, folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """The exit status, and what stood on standard output and standard error."""
        status = cli.main(words)
        said = self._capsys.readouterr()
        return status, said.out, said.err


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Line:
    folder = Folder(tmp_path)
    for name in ("rules", "cards", "site"):
        monkeypatch.setenv(f"CDS_{name.upper()}", str(tmp_path / name))
    monkeypatch.setenv("CDS_DATA", str(tmp_path / "data"))
    return Line(folder, capsys)


# the call itself


def test_the_version_and_the_help_are_told(capsys):
    for word, said in (("--version", __version__), ("--help", "exit status: 0")):
        with pytest.raises(SystemExit) as ended:
            cli.main([word])
        assert ended.value.code == 0 and said in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["chekc"], ["explain"], ["serve", "--prot", "1"]])
def test_a_wrong_call_is_two(words, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == cli.USAGE and "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "serve", "docs"])
def test_a_wrong_setting_is_two_and_is_named(line, monkeypatch, command):
    monkeypatch.setenv("CDS_DEADLNE_MS", "300")
    monkeypatch.setenv("CDS_PORT", "0")
    status, out, err = line(command)
    assert (status, out) == (cli.USAGE, "")
    assert err.splitlines() == [
        "CDS_DEADLNE_MS is not a setting; did you mean CDS_DEADLINE_MS?",
        "CDS_PORT: '0' is not right; give a number from 1 to 65535",
    ]


def test_the_module_runs_as_a_program():
    ran = subprocess.run(
        [sys.executable, "-m", "cds_service.cli", "--version"], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == __version__


# check


def test_check_says_that_all_is_well(line):
    status, out, err = line("check")
    assert (status, err) == (0, "")
    tried, well = out.splitlines()
    assert tried.startswith("Tried 2 topics and 0 pairs of topics: ") and tried.endswith("drawn, not whole: 0 of 2.")
    assert well.startswith("All well: 2 topics, 2 checks, 3 safety, ") and well.endswith(".")


def test_check_tells_how_much_was_tried_of_each_topic(line):
    status, out, err = line("check", "--states", "--quick")
    assert (status, err) == (0, "")
    assert [one.split(": ")[0] for one in out.splitlines()[:2]] == ["belly", "head"]


def test_check_names_a_promise_that_the_rules_break(line):
    never = "never: [{id: us, offer: [US], when: {sign.fever: present}, because: No reason at all.}]"
    line.folder.write("rules/review/never.yaml", never)
    status, _, err = line("check")
    assert status == cli.FAILED and "rules/belly.yaml:" in err and "never.yaml rules out (us)" in err


def test_check_tells_everything_at_once_with_line_and_remedy(line):
    folder = line.folder
    folder.write(
        "belly",
        changed(
            changed(BELLY, "patient.age: {below", "patient.aeg: {below"),
            "[US abdomen, US right",
            "[USS abdomen, US right",
        ),
    )
    folder.write("head", changed(HEAD, "sources: [guide]", "sources: [nobody]"))
    folder.write("width", changed(WIDTH, "expect: info", "expect: warning"))
    folder.write("site/clients.yaml", "main: {profil: epic}\n")
    status, out, err = line("check")
    assert (status, out) == (cli.FAILED, "")
    *told, count = err.splitlines()
    assert count == f"{len(told)} problems."
    assert {one.split(":")[0] for one in told} == {
        "clients.yaml",
        "rules/belly.yaml",
        "rules/head.yaml",
        "rules/width.yaml",
    }
    assert all(one.split(":")[1].isdigit() and "; " in one for one in told), told
    assert "did you mean patient.age?" in err and "USS" in err and "nobody is not a source" in err


def test_check_tells_what_loading_lets_pass(line):
    never = changed(HEAD, "when: {sign.fever: absent}", "when: {sign.fever: absent, none: [{sign.fever: absent}]}")
    line.folder.write("head", changed(never, "due: 2030-01-01", "due: 2026-01-02"))
    line.folder.write("orders", changed(ORDERS, "code: 24590-2, display: MR Brain, ", ""))
    status, _, err = line("check")
    assert status == cli.FAILED and err.endswith("3 problems.\n")
    assert "the review of head was due on 2026-01-02" in err
    assert "variant plain can never be chosen" in err
    assert "no alternative of head has a code to order" in err
    line.folder.started()
    assert line.folder.library.ready


def test_check_tells_of_files_nobody_reads_and_licences_nobody_asks_for(line, monkeypatch):
    monkeypatch.setenv("CDS_LICENCES", "snomed, snomedct")
    for name in ("sites.yaml", "site.yml", "codes/exam/ours.yaml", "codes/orders.epic.yaml", "notes/zebra.yaml"):
        line.folder.write(f"site/{name}", ORDERS if "orders" in name else "a: b\n")
    status, _, err = line("check")
    assert status == cli.FAILED and err.splitlines() == [
        "site/site.yml:1: no file of this name is read; did you mean site/site.yaml?",
        "site/sites.yaml:1: no file of this name is read; did you mean site/site.yaml?",
        "site/codes/exam/ours.yaml:1: no file of this name is read; did you mean site/codes/exams/ours.yaml?",
        "site/notes/zebra.yaml:1: no file of this name is read; did you mean site/rules/zebra.yaml?",
        "CDS_LICENCES:1: snomedct is no licence that a code list asks for; did you mean snomed?",
        "5 problems.",
    ]


def test_check_tells_of_situations_that_overlap(line):
    line.folder.write("head", changed(HEAD, "when: {sign.fever: absent}", "when: {sign.severity: mild}"))
    status, _, err = line("check")
    assert status == cli.FAILED and "can both be met and disagree on MR head without contrast" in err
    assert err.endswith("1 problem.\n")


def test_check_lists_what_site_choices_change_and_what_lapsed(line):
    case = "  - {name: Score three, but: {score.belly: 3}, order: US abdomen, expect: no imaging}\n"
    line.folder.write("belly", BELLY + case)
    lapsed = APPROVED.replace("}", ", until: 2026-01-02}")
    line.folder.write(
        "site",
        f"belly: {{thresholds: {{low: 2 points}}, reason: So., approved: {APPROVED}}}\n"
        f"head: {{status: silent, reason: So., approved: {lapsed}}}\n",
    )
    status, out, err = line("check")
    assert (status, err) == (0, "")
    assert out.splitlines()[:2] == [
        "belly: example 'Score three' is now silence, shipped: no imaging",
        "head: the approval of this choice has run out; the shipped values count again",
    ]


def test_check_refuses_a_site_choice_out_of_range(line):
    line.folder.write("site", f"belly: {{thresholds: {{low: 9 points}}, reason: So., approved: {APPROVED}}}\n")
    status, _, err = line("check")
    assert status == cli.FAILED
    assert "site/site.yaml:1: low is 9 points, outside its allowed range; choose from 2 points to 4 points" in err


def test_check_refuses_folders_without_content(line):
    line.folder.clear("cards")
    (line.folder.root / "cards").mkdir()
    assert line("check")[0] == cli.FAILED


# serve


@pytest.fixture
def served(monkeypatch):
    """What the server would have been run with."""
    given: list[dict] = []
    monkeypatch.setattr(telemetry, "configure", lambda level: None)  # for the whole process, so not here
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: given.append(options))
    return given


def test_serve_runs_on_loopback_at_the_port_asked_for(line, served):
    assert line("serve", "--port", "9123")[0] == 0
    assert (served[0]["host"], served[0]["port"]) == ("127.0.0.1", 9123)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "ehr.example", "2130706433", "127.0.0.1.example"])
def test_serve_refuses_a_host_others_can_reach(line, served, host, monkeypatch):
    status, _, err = line("serve", "--host", host)
    assert status == cli.USAGE and served == []
    assert f"CDS_HOST: {host!r} can be reached from other machines" in err and "give 127.0.0.1" in err
    monkeypatch.setenv("CDS_HOST", host)
    assert line("serve")[0] == cli.USAGE


@pytest.mark.parametrize("port", ["0", "65536", "-1", "many"])
def test_serve_refuses_a_port_that_is_none(line, served, port):
    status, _, err = line("serve", f"--port={port}")
    assert status == cli.USAGE and served == []
    assert f"CDS_PORT: '{port}' is not right; give a number from 1 to 65535" in err


# explain


def request(*orders: dict, **more: object) -> bytes:
    return json.dumps(call(*orders, **more)).encode()


def test_explain_reads_a_file_or_standard_input(line, tmp_path, monkeypatch):
    (tmp_path / "request.json").write_bytes(body())
    status, out, err = line("explain", str(tmp_path / "request.json"))
    assert (status, err) == (0, "") and out.startswith("order-sign with 1 order to judge, content ")
    with (tmp_path / "request.json").open() as source:
        monkeypatch.setattr(sys, "stdin", source)
        assert line("explain", "-") == (0, out, "")


def test_explain_reads_either_hook(line, tmp_path):
    (tmp_path / "request.json").write_bytes(request(hook="order-select"))
    status, out, _ = line("explain", str(tmp_path / "request.json"))
    assert status == 0 and out.startswith("order-select with 1 order")


def test_explain_needs_a_file_that_is_there(line, tmp_path):
    assert line("explain", str(tmp_path / "none.json")) == (
        cli.USAGE, "", f"{tmp_path / 'none.json'}: No such file or directory\n",
    )  # fmt: skip


@pytest.mark.parametrize("source", [b"", b"{", b"[]", b"{}", b'{"hook": "order-sign"}', b"\xff"])
def test_explain_refuses_what_is_no_request(line, tmp_path, source):
    path = tmp_path / "request.json"
    path.write_bytes(source)
    status, out, err = line("explain", str(path))
    assert (status, out) == (cli.FAILED, "") and err.startswith(f"{path}: ")


def test_explain_needs_content(line, tmp_path):
    (tmp_path / "request.json").write_bytes(body())
    line.folder.write("belly", "a: [1")
    status, _, err = line("explain", str(tmp_path / "request.json"))
    assert status == cli.FAILED and err.startswith("rules/belly.yaml:1: ")


def test_explain_speaks_as_the_configured_client_is_spoken_to(line, tmp_path):
    order = {"text": "CT head"}
    line.folder.write("rules/codes/exams/words.yaml", (cli_words()))
    line.folder.write("site/clients.yaml", "main: {profile: epic}\n")
    (tmp_path / "request.json").write_bytes(
        request({**call()["context"]["draftOrders"]["entry"][0]["resource"], "code": order})
    )
    status, out, _ = line("explain", str(tmp_path / "request.json"))
    assert status == 0 and "SHOWN to a epic client" not in out and "SHOWN to an epic client" in out


def cli_words() -> bytes:
    """The shipped words for exams, so that an order is read by its text."""
    from cds_service.settings import shipped

    return (shipped("rules") / "codes" / "exams" / "words.yaml").read_bytes()


# docs


def test_docs_are_written_beside_the_rules_and_checked(line):
    root = line.folder.root
    status, _, err = line("docs", "--check")
    assert status == cli.FAILED
    assert err.splitlines() == [
        f"rules/{name} is out of date; run: make docs"
        for name in ("README.md", "COVERAGE.md", "FACTS.md", "rule.schema.json")
    ]
    status, out, _ = line("docs")
    assert status == 0 and len(out.splitlines()) == 4 and (root / "rules" / "FACTS.md").is_file()
    assert line("docs", "--check") == (0, "", "")
    assert line("docs") == (0, "", "")
    line.folder.write("belly", changed(BELLY, "title: Belly ache", "title: Sore belly"))
    stale = line("docs", "--check")[2].splitlines()
    assert stale == [f"rules/{name} is out of date; run: make docs" for name in ("README.md", "COVERAGE.md")]
    assert line("check")[0] == 0
