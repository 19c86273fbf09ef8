"""
The environment becomes one frozen Settings, or a SettingsError that lists everything wrong at once.

``SETTINGS`` is the whole table: name, type, default, meaning. Documentation prints it,
``read`` obeys it, and a variable that starts with ``CDS_`` and is not in it is an error,
because a misspelt setting that is silently ignored is how a service runs with defaults
nobody chose.
"""

from __future__ import annotations

import ipaddress
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from cds_service.errors import SettingsError, nearest

PREFIX = "CDS_"
_PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the operator may choose. Each field is ``CDS_`` and its name in capitals."""

    fhir_servers: tuple[str, ...] = ()
    rules: Path
    cards: Path
    data: Path
    site: Path | None = None
    database_url: str
    spool_bytes: int = 50_000_000
    decision_days: int = 400
    feedback_days: int = 1_100
    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = ""
    discovery: str = "token"
    used_tokens: str = "auto"
    metrics: str = "local"
    cors_origins: tuple[str, ...] = ("*",)
    time_zone: str = "UTC"
    licences: frozenset[str] = frozenset()
    patient_view: str = "off"
    deadline_ms: int = 400
    max_body_bytes: int = 16_000_000
    body_seconds: float = 10.0
    max_concurrent: int = 64
    client_rate: float = 1000.0
    reload_seconds: float = 1.0
    log_level: str = "info"
    traces: str = "off"


class Setting(NamedTuple):
    """One row of the table. ``secret`` values are never repeated in an error or a log."""

    name: str
    kind: str
    default: str
    meaning: str
    read: Callable[[str], Any]
    right: str
    secret: bool = False

    @property
    def variable(self) -> str:
        """The environment variable, e.g. ``CDS_DEADLINE_MS``."""
        return PREFIX + self.name.upper()


def base_url(text: str) -> str:
    """
    *text* as the base URL of a server, without the closing slash; https, or http on this machine only.

    >>> base_url("https://ehr.example/r4/")
    'https://ehr.example/r4'
    """
    url = urlsplit(text)
    plain = url.hostname and not (url.username or url.password or url.query or url.fragment or "\\" in text)
    if not plain or not text.isprintable() or " " in text or url.port == 0:
        raise ValueError
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.hostname or "")):
        raise ValueError
    return text.rstrip("/")


def is_loopback(host: str) -> bool:
    """
    Whether *host* is this machine; only the spellings nobody can mistake count.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("2130706433")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _between(low: float, high: float, kind: type[int] | type[float]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        value = kind(text)
        if not low <= value <= high:
            raise ValueError
        return value

    return read


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError
        return text.lower()

    return read


def _listed(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for part in (piece.strip() for piece in text.split(",")) if part))


def _origin(text: str) -> str:
    if text != "*" and urlsplit(base_url(text)).path:
        raise ValueError
    return text


def _time_zone(text: str) -> str:
    try:
        return zoneinfo.ZoneInfo(text).key
    except (zoneinfo.ZoneInfoNotFoundError, OSError):
        raise ValueError from None


def _database(text: str) -> str:
    if not text.startswith(("sqlite:///", "postgresql://", "postgresql+")):
        raise ValueError
    return text


def _folder(text: str) -> Path:
    folder = Path(text).expanduser().absolute()
    if not folder.is_dir():
        raise ValueError
    return folder


def _to_be_folder(text: str) -> Path:
    """A folder the service makes when it is not there yet."""
    folder = Path(text).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise ValueError
    return folder


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "fhir_servers",
        "list of URLs",
        "none",
        "Base URLs of the FHIR servers that may be read; calls that name another get no look-ups.",
        lambda text: tuple(map(base_url, _listed(text))),
        "https URLs separated by commas (http only on this machine)",
    ),
    Setting("rules", "folder", "as shipped", "The rules and code lists.", _folder, "a folder that exists"),
    Setting("cards", "folder", "as shipped", "The card templates.", _folder, "a folder that exists"),
    Setting(
        "data",
        "folder",
        "data",
        "What the service keeps: the journal, the database, the last good content.",
        _to_be_folder,
        "a folder, or a place for one",
    ),
    Setting(
        "site",
        "folder",
        "none",
        "The hospital's own choices: site.yaml, clients.yaml, codes/.",
        _folder,
        "a folder that exists",
    ),
    Setting(
        "database_url",
        "URL",
        "SQLite in the data folder",
        "Where feedback and decisions are stored.",
        _database,
        "sqlite:///file or postgresql://user@host/name",
        secret=True,
    ),
    Setting(
        "spool_bytes",
        "bytes",
        "50000000",
        "How much feedback may wait on the local disk while the database is away; more is told to come back.",
        _between(100_000, 10_000_000_000, int),
        "a number from 100000 to 10000000000",
    ),
    Setting(
        "decision_days",
        "days",
        "400",
        "How long decisions and the facts they were made on are kept; 0 is for ever.",
        _between(0, 36_500, int),
        "a number from 0 to 36500",
    ),
    Setting(
        "feedback_days",
        "days",
        "1100",
        "How long feedback and the cards it is about are kept; 0 is for ever.",
        _between(0, 36_500, int),
        "a number from 0 to 36500",
    ),
    Setting(
        "host",
        "address",
        "127.0.0.1",
        "The address to listen on; without clients that carry keys, one of this machine.",
        str,
        "an address",
    ),
    Setting("port", "number", "8080", "The port to listen on.", _between(1, 65535, int), "a number from 1 to 65535"),
    Setting(
        "public_url",
        "URL",
        "none",
        "The base URL by which clients reach the service, which their tokens name; never taken from a request.",
        base_url,
        "an https URL (http only on this machine)",
    ),
    Setting(
        "discovery",
        "word",
        "token",
        "Whether discovery asks for a token, where callers carry them, or is open to everybody.",
        _one_of("token", "open"),
        "token or open",
    ),
    Setting(
        "used_tokens",
        "word",
        "auto",
        "Where replicas see that a token was used: on one machine (CDS_DATA), in the database, or as the database is.",
        _one_of("auto", "machine", "database"),
        "auto (database where it is a server), machine or database",
    ),
    Setting(
        "metrics",
        "word",
        "local",
        "Who may read /metrics, and why an edit was refused, where callers carry tokens: whoever asks from this machine"
        " directly, or everybody.",
        _one_of("local", "open"),
        "local or open",
    ),
    Setting(
        "cors_origins",
        "list of origins",
        "*",
        "Origins of browser clients that may read answers.",
        lambda text: tuple(map(_origin, _listed(text))),
        "* or https origins without a path, separated by commas",
    ),
    Setting(
        "time_zone",
        "name",
        "UTC",
        "The hospital's time zone: a birthday begins at its midnight, and dates on cards are its dates.",
        _time_zone,
        "a name such as America/Chicago",
    ),
    Setting(
        "licences",
        "list of names",
        "none",
        "Code lists the site states it holds a licence for: cpt, mbs, snomed, or what a list of its own asks for.",
        lambda text: frozenset(name.lower() for name in _listed(text)),
        "names separated by commas",
    ),
    Setting(
        "patient_view",
        "word",
        "off",
        "Whether the imaging so far is shown when a child's chart is opened (hook patient-view), and with its doses.",
        _one_of("on", "off", "with-doses"),
        "on, off or with-doses",
    ),
    Setting(
        "deadline_ms",
        "milliseconds",
        "400",
        "Time for one call; what could not be read by then is unknown.",
        _between(20, 10_000, int),
        "a number from 20 to 10000",
    ),
    Setting(
        "max_body_bytes",
        "bytes",
        "16000000",
        "The largest request that is read.",
        _between(10_000, 256_000_000, int),
        "a number from 10000 to 256000000",
    ),
    Setting(
        "body_seconds",
        "seconds",
        "10",
        "Time for a client to send its request.",
        _between(0.1, 60, float),
        "a number from 0.1 to 60",
    ),
    Setting(
        "max_concurrent",
        "number",
        "64",
        "Calls judged at the same time; more are told to come back.",
        _between(1, 10_000, int),
        "a number from 1 to 10000",
    ),
    Setting(
        "client_rate",
        "calls a second",
        "1000",
        "Calls a second from one client, twice as many in a burst; more are told to come back (429). 0 is no limit.",
        _between(0, 1_000_000, float),
        "a number from 0 to 1000000",
    ),
    Setting(
        "reload_seconds",
        "seconds",
        "1",
        "How often rules, cards, code lists and site choices are looked at for a change; 0 is never.",
        _between(0, 3600, float),
        "a number from 0 to 3600",
    ),
    Setting(
        "log_level",
        "word",
        "info",
        "The least urgent lines to log.",
        _one_of("debug", "info", "warning", "error"),
        "debug, info, warning or error",
    ),
    Setting(
        "traces",
        "word",
        "off",
        "Whether OpenTelemetry traces are sent; where to is said by the standard OTEL_EXPORTER_OTLP_... variables.",
        _one_of("on", "off"),
        "on or off",
    ),
)


def read(environment: Mapping[str, str]) -> Settings:
    """
    Read every setting, defaults where *environment* says nothing (an empty value says nothing).

    >>> read({"CDS_DEADLINE_MS": "250"}).deadline_ms
    250
    """
    by_variable = {setting.variable: setting for setting in SETTINGS}
    troubles = [_unknown(name, by_variable) for name in environment if name.startswith(PREFIX)]
    chosen: dict[str, Any] = {}
    for variable, setting in by_variable.items():
        text = environment.get(variable, "").strip()
        if text:
            try:
                chosen[setting.name] = setting.read(text)
            except (ValueError, OSError, RuntimeError):
                troubles.append(_wrong(setting, text))
    listed = [trouble for trouble in troubles if trouble]
    if listed:
        raise SettingsError("\n".join(listed))
    return _with_defaults(chosen)


def _with_defaults(chosen: dict[str, Any]) -> Settings:
    data = chosen.get("data") or Path("data").absolute()
    defaults = {
        "rules": shipped("rules"),
        "cards": shipped("cards"),
        "data": data,
        "database_url": f"sqlite:///{data / 'service.db'}",
    }
    return Settings(**{**defaults, **chosen})


def shipped(name: str) -> Path:
    """The folder *name* that came with the service: inside the package, or beside it in a checkout."""
    packaged = _PACKAGE / "_content" / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name


def _unknown(variable: str, known: Mapping[str, Setting]) -> str:
    """What to say about a variable that is no setting; "" when it is one."""
    if variable in known:
        return ""
    return f"{variable} is not a setting; {nearest(variable, known, 'remove it')}"


def _wrong(setting: Setting, text: str) -> str:
    shown = text if len(text) <= 80 else text[:77] + "..."
    given = "what was given (not shown)" if setting.secret or "@" in text else repr(shown)
    return f"{setting.variable}: {given} is not right; give {setting.right}"
