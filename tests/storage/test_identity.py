"""Card ids prove whose they are; hashes stand for patients."""

from __future__ import annotations

import stat
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cds_service.storage.identity import Identity, identity_in

IDENTITY = Identity(b"secret of this installation")


def test_card_ids_are_distinct_uuids_of_version_4() -> None:
    names = {IDENTITY.card_id("ehr") for _ in range(1000)}
    assert len(names) == 1000
    assert {uuid.UUID(name).version for name in names} == {4}
    assert {uuid.UUID(name).variant for name in names} == {uuid.RFC_4122}
    assert all(str(uuid.UUID(name)) == name for name in names)


def test_a_card_id_belongs_to_its_client_and_installation_only() -> None:
    name = IDENTITY.card_id("ehr")
    assert IDENTITY.owns("ehr", name)
    assert IDENTITY.owns("ehr", name.upper())
    assert not IDENTITY.owns("other", name)
    assert not Identity(b"another secret").owns("ehr", name)


@pytest.mark.parametrize("position", [0, 7, 15, 16, 20, 24, 35])
def test_a_changed_card_id_is_nobodys(position: int) -> None:
    name = IDENTITY.card_id("ehr")
    changed = name[:position] + ("0" if name[position] != "0" else "1") + name[position + 1 :]
    assert not IDENTITY.owns("ehr", changed)


@pytest.mark.parametrize(
    "name", ["", "card-1", "0" * 32, "0b3c5a86-6f1e-4c5e-9a39-3c9bb1f0a2d4", "ä" * 36, "\x00", "9" * 5000]
)
def test_ids_of_others_are_not_ours(name: str) -> None:
    assert not IDENTITY.owns("ehr", name)


def test_hashes_tell_patients_clients_and_purposes_apart() -> None:
    hashes = [
        IDENTITY.patient("ehr", "1"),
        IDENTITY.patient("ehr", "2"),
        IDENTITY.patient("other", "1"),
        IDENTITY.encounter("ehr", "1"),
        Identity(b"another secret").patient("ehr", "1"),
        IDENTITY.patient("ehr\0", "1"),
    ]
    assert len(set(hashes)) == len(hashes)
    assert all(len(one) == 32 and one != "1" for one in hashes)
    assert IDENTITY.patient("ehr", "1") == hashes[0]


def test_no_encounter_has_no_hash() -> None:
    assert IDENTITY.encounter("ehr", None) == IDENTITY.encounter("ehr", "") == ""


def test_odd_letters_in_ids_are_hashed_too() -> None:
    assert len(IDENTITY.patient("ehr", "\ud800")) == 32


def test_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first = identity_in(tmp_path / "data")
    name = first.card_id("ehr")
    assert identity_in(tmp_path / "data").owns("ehr", name)
    files = list((tmp_path / "data").iterdir())
    assert [file.name for file in files] == ["secret.key"]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


@pytest.mark.parametrize("damage", ["", "zz", "ab" * 31, "ä"])
def test_damaged_secret_is_kept_aside_and_a_new_one_made(tmp_path: Path, damage: str) -> None:
    (tmp_path / "secret.key").write_text(damage, encoding="utf-8")
    name = identity_in(tmp_path).card_id("ehr")
    assert identity_in(tmp_path).owns("ehr", name)
    aside = [file for file in tmp_path.iterdir() if ".damaged-" in file.name]
    assert [file.read_text("utf-8") for file in aside] == [damage]


def test_without_a_place_for_the_secret_one_is_used_for_this_run(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    identity = identity_in(tmp_path / "file")
    assert identity.owns("ehr", identity.card_id("ehr"))
    assert not identity_in(tmp_path / "file").owns("ehr", identity.card_id("ehr"))


def test_processes_that_start_together_agree_on_the_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        identities = list(threads.map(lambda _: identity_in(tmp_path), range(16)))
    name = identities[0].card_id("ehr")
    assert all(identity.owns("ehr", name) for identity in identities)
