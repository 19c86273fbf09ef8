import pytest

from cds_service.clients.clients import Client, load, parse
from cds_service.errors import ContentError

BASES = ("https://ehr.example/r4",)


def problems(text: str) -> list[str]:
    with pytest.raises(ContentError) as caught:
        parse(text.encode(), BASES)
    return [str(problem) for problem in caught.value.problems]


def test_without_a_site_there_is_one_local_client():
    assert load(None, BASES) == {"local": Client("local", "generic", BASES)}


def test_without_a_file_in_the_site_too(tmp_path):
    assert load(tmp_path, BASES) == load(None, BASES)


def test_the_sites_client_is_read(tmp_path):
    (tmp_path / "clients.yaml").write_text(
        "main-hospital:\n  profile: epic\n  fhir_servers:\n    - https://fhir.example/api/\n    - http://localhost:9\n"
    )
    expected = Client("main-hospital", "epic", ("https://fhir.example/api", "http://localhost:9"))
    assert load(tmp_path, BASES) == {"main-hospital": expected}


def test_a_client_without_servers_of_its_own_has_the_settings():
    assert parse(b"main: {profile: update-in-place}", BASES)["main"].fhir_servers == BASES
    assert parse(b"main: {fhir_servers: []}", BASES)["main"] == Client("main")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "main:\n  profile: cerner",
            "clients.yaml:2: cerner is not a profile; use one of generic, epic, update-in-place",
        ),
        (
            "main:\n  profile: [epic]",
            "clients.yaml:2: ['epic'] is not a profile; use one of generic, epic, update-in-place",
        ),
        ("main:\n  profil: epic", "clients.yaml:2: profil is not a member of a client; did you mean profile?"),
        ("main:\n  zzz: epic", "clients.yaml:2: zzz is not a member of a client"),
        (
            "main:\n  issuer: https://x",
            "clients.yaml:1: main has no keys; give jku, the https address of its JWK set, or keys",
        ),
        ("main: epic", "clients.yaml:1: main has no members; give profile and fhir_servers"),
        (
            "Main: {profile: epic}",
            "clients.yaml:1: Main is not a client's name; use lower-case letters, digits and hyphens",
        ),
        ("main:\n  fhir_servers: https://x", "clients.yaml:2: fhir_servers is not a list; put each URL after a hyphen"),
        ("main:\n  fhir_servers:\n  - http://x", "clients.yaml:3: http://x is not a FHIR server; give an https URL"),
        (
            "main:\n  fhir_servers:\n  - https://user:secret@x/r4",
            "clients.yaml:3: what was given (not shown) is not a FHIR server; give an https URL",
        ),
        ("", "clients.yaml:1: there is no client; name one, or remove the file"),
        ("- main", "clients.yaml:1: there is no client; name one, or remove the file"),
    ],
)
def test_what_is_wrong_is_told_by_line(text, said):
    assert problems(text) == [said]


def test_every_problem_is_told():
    assert len(problems("main:\n  profile: x\n  jku: y\n  fhir_servers: [z]\n")) == 4


def test_several_clients_must_each_carry_keys():
    assert problems("one: {profile: epic}\ntwo: {profile: generic}") == [
        "clients.yaml:1: one has no keys, and of several clients each must carry its own; give issuer, and jku or keys",
        "clients.yaml:2: two has no keys, and of several clients each must carry its own; give issuer, and jku or keys",
    ]


def test_broken_yaml_is_told_by_line():
    assert problems("main:\n  profile: [epic")[0].startswith("clients.yaml:")
