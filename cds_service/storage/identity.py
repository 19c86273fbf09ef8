"""
Names that prove themselves: card ids and the hashes that stand for patients.

Both are keyed with a secret of this installation. A card id carries whose it is, so that
ownership needs no memory; a patient's hash tells two patients apart and nothing else.
"""

from __future__ import annotations

import hmac
import os
import secrets
import uuid
from functools import lru_cache
from pathlib import Path

from cds_service.randomness import random_bytes
from cds_service.telemetry import log

_SECRET_BYTES = 32
_NAME_BYTES = 16
_HALF = 8
_LATELY = 1000


class Identity:
    """Makes and checks keyed names."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._name = lru_cache(_LATELY)(self._named)

    def patient(self, client: str, patient_id: str) -> str:
        """What stands for a patient of *client* in everything we keep."""
        return self._name("patient", client, patient_id)

    def encounter(self, client: str, encounter_id: str | None) -> str:
        """What stands for an encounter; empty when there is none."""
        return self._name("encounter", client, encounter_id) if encounter_id else ""

    def card_id(self, client: str) -> str:
        """
        A new card id in the shape of a UUID that only this installation could have made for *client*.

        >>> identity = Identity(b"secret")
        >>> identity.owns("ehr", identity.card_id("ehr"))
        True
        """
        random = bytearray(random_bytes(_HALF))
        random[6] = random[6] & 0x0F | 0x40  # UUID version 4
        name = (random + self._seal(client, random)).hex()
        return f"{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}"

    def seal(self, text: str) -> str:
        """What proves that *text* was written by this installation."""
        return self._named("seal", text)

    def owns(self, client: str, card_id: str) -> bool:
        """Whether *card_id* was made here for *client*."""
        try:
            name = uuid.UUID(card_id).bytes
        except ValueError:
            return False
        return hmac.compare_digest(self._seal(client, name[:_HALF]), name[_HALF:])

    def _seal(self, client: str, random: bytes | bytearray) -> bytes:
        seal = bytearray(self._digest("card", client, random.hex())[:_HALF])
        seal[0] = seal[0] & 0x3F | 0x80  # UUID variant
        return bytes(seal)

    def _named(self, purpose: str, *parts: str) -> str:
        return self._digest(purpose, *parts)[:_NAME_BYTES].hex()

    def _digest(self, purpose: str, *parts: str) -> bytes:
        message = "\0".join((purpose, *parts)).encode("utf-8", "surrogatepass")
        return hmac.digest(self._secret, message, "sha256")


def identity_in(data: Path) -> Identity:
    """
    The identity of this installation; its secret is made at the first start, readable by its owner only.

    Without a place to keep it, a secret for this run must do: advice goes on, and cards of this run
    are not recognised after it.
    """
    try:
        return Identity(_secret(data / "secret.key"))
    except OSError:
        log().warning("secret cannot be kept, feedback on cards will not be matched after a restart")
        return Identity(secrets.token_bytes(_SECRET_BYTES))


def _secret(file: Path) -> bytes:
    try:
        kept = bytes.fromhex(file.read_text("ascii"))
        if len(kept) == _SECRET_BYTES:
            return kept
    except FileNotFoundError:
        return _new_secret(file)
    except ValueError:
        pass
    log().warning("secret was damaged, a new one begun")
    file.rename(file.with_name(f"{file.name}.damaged-{secrets.token_hex(4)}"))
    return _new_secret(file)


def _new_secret(file: Path) -> bytes:
    """Write a secret whole or not at all; when another process was faster, take its secret."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as written:
        written.write(secrets.token_hex(_SECRET_BYTES))
        written.flush()
        os.fsync(written.fileno())
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return bytes.fromhex(file.read_text("ascii"))
