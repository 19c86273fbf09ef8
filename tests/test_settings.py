from pathlib import Path

import pytest

from cds_service.errors import SettingsError
from cds_service.settings import SETTINGS, Settings, base_url, is_loopback, read, shipped


def wrong(**environment: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(environment)
    return str(caught.value)


def test_without_an_environment_everything_has_its_default():
    settings = read({"PATH": "/bin"})
    assert settings.deadline_ms == 400 and settings.max_body_bytes == 16_000_000
    assert settings.fhir_servers == () and settings.site is None
    assert settings.rules == shipped("rules") and settings.cards == shipped("cards")
    assert settings.data == Path("data").absolute()
    assert settings.database_url == f"sqlite:///{settings.data / 'service.db'}"
    assert settings.cors_origins == ("*",) and settings.licences == frozenset()


def test_the_table_is_the_settings_field_for_field():
    assert {one.name for one in SETTINGS} == set(Settings.__dataclass_fields__)


def test_every_default_in_the_table_is_the_one_in_force():
    settings = read({})
    for setting in SETTINGS:
        value = getattr(settings, setting.name)
        if setting.kind in ("number", "milliseconds", "bytes", "seconds"):
            assert float(setting.default) == value, setting.name
        elif setting.default == "none":
            assert not value, setting.name


def test_every_setting_explains_itself():
    for setting in SETTINGS:
        assert setting.meaning.endswith(".") and setting.right and setting.kind and setting.default


def test_settings_are_read(tmp_path):
    settings = read(
        {
            "CDS_FHIR_SERVERS": "https://ehr.example/r4/, http://127.0.0.1:9000/fhir",
            "CDS_RULES": str(tmp_path),
            "CDS_CARDS": str(tmp_path),
            "CDS_SITE": str(tmp_path),
            "CDS_DATA": str(tmp_path / "new"),
            "CDS_DEADLINE_MS": " 250 ",
            "CDS_MAX_BODY_BYTES": "20000",
            "CDS_BODY_SECONDS": "2.5",
            "CDS_MAX_CONCURRENT": "3",
            "CDS_RELOAD_SECONDS": "0",
            "CDS_HOST": "::1",
            "CDS_PORT": "9001",
            "CDS_PUBLIC_URL": "https://cds.example/base/",
            "CDS_TIME_ZONE": "America/Chicago",
            "CDS_LICENCES": "CPT, snomed-ct",
            "CDS_CORS_ORIGINS": "https://sandbox.example,http://localhost:3000",
            "CDS_LOG_LEVEL": "WARNING",
        }
    )
    assert settings.fhir_servers == ("https://ehr.example/r4", "http://127.0.0.1:9000/fhir")
    assert settings.rules == settings.cards == settings.site == tmp_path
    assert settings.database_url == f"sqlite:///{tmp_path / 'new' / 'service.db'}"
    assert (settings.deadline_ms, settings.max_body_bytes, settings.body_seconds) == (250, 20_000, 2.5)
    assert (settings.max_concurrent, settings.reload_seconds) == (3, 0)
    assert (settings.host, settings.port, settings.public_url) == ("::1", 9001, "https://cds.example/base")
    assert settings.time_zone == "America/Chicago" and settings.log_level == "warning"
    assert settings.licences == {"cpt", "snomed-ct"}
    assert settings.cors_origins == ("https://sandbox.example", "http://localhost:3000")


@pytest.mark.parametrize("url", ["sqlite:////tmp/x.db", "postgresql://cds@db/cds", "postgresql+psycopg://cds@db/cds"])
def test_a_database_may_be_chosen(url):
    assert read({"CDS_DATABASE_URL": url}).database_url == url


def test_any_origin_may_be_let_in():
    assert read({"CDS_CORS_ORIGINS": "*"}).cors_origins == ("*",)


def test_an_empty_value_says_nothing():
    assert read({"CDS_DEADLINE_MS": " ", "CDS_SITE": ""}) == read({})


def test_a_misspelt_setting_is_an_error_with_a_suggestion():
    assert wrong(CDS_DEADLINE="300") == "CDS_DEADLINE is not a setting; did you mean CDS_DEADLINE_MS?"
    assert wrong(CDS_ZZZQQ="1") == "CDS_ZZZQQ is not a setting; remove it"


def test_every_trouble_is_listed_at_once():
    said = wrong(CDS_DEADLINE_MS="fast", CDS_PORT="0", CDS_RULEZ="x").splitlines()
    assert len(said) == 3
    assert "CDS_DEADLINE_MS: 'fast' is not right; give a number from 20 to 10000" in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEADLINE_MS", "19"),
        ("DEADLINE_MS", "10001"),
        ("DEADLINE_MS", "4e2"),
        ("MAX_CONCURRENT", "-1"),
        ("BODY_SECONDS", "nan"),
        ("RELOAD_SECONDS", "often"),
        ("PORT", "65536"),
        ("RULES", "/no/such/folder"),
        ("SITE", __file__),
        ("DATA", __file__),
        ("DATA", "~no-such-user-here/x"),
        ("TIME_ZONE", "Chicago"),
        ("TIME_ZONE", "../../etc/passwd"),
        ("DATABASE_URL", "mysql://x"),
        ("FHIR_SERVERS", "http://ehr.example/r4"),
        ("FHIR_SERVERS", "https://ehr.example/r4,ftp://ehr.example"),
        ("PUBLIC_URL", "cds.example"),
        ("CORS_ORIGINS", "https://a.example/path"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_what_is_not_right_is_refused_by_name(name, value):
    said = wrong(**{f"CDS_{name}": value})
    assert said.startswith(f"CDS_{name}: ") and "; give " in said


def test_a_secret_is_not_shown():
    said = wrong(CDS_DATABASE_URL="mysql://user:hunter2@host/db")
    assert "hunter2" not in said and "CDS_DATABASE_URL" in said


def test_a_password_in_an_address_is_not_shown():
    assert "hunter2" not in wrong(CDS_FHIR_SERVERS="https://user:hunter2@ehr.example")


def test_a_long_value_is_cut():
    assert len(wrong(CDS_LOG_LEVEL="x" * 5000)) < 200


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ehr.example",
        "https://",
        "https://user:secret@ehr.example",
        "https://ehr.example/r4?x=1",
        "https://ehr.example/r4#x",
        "https://ehr.example\\@evil.example",
        "https://ehr.example/a b",
        "https://ehr.example:99999",
        "https://ehr.example:0",
        "http://127.1/fhir",
        "http://10.0.0.1/fhir",
        "file:///etc/passwd",
    ],
)
def test_what_is_no_base_url(url):
    with pytest.raises(ValueError):
        base_url(url)


@pytest.mark.parametrize("url", ["http://localhost:1/r4", "http://[::1]:8080", "https://ehr.example:8443/a/b"])
def test_base_urls_stay_as_they_are(url):
    assert base_url(url) == url


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "127.1", "0x7f.1", "localhost.example", "10.0.0.1", ""])
def test_what_is_not_surely_this_machine(host):
    assert not is_loopback(host)


def test_packaged_content_comes_before_a_checkout(tmp_path, monkeypatch):
    monkeypatch.setattr("cds_service.settings._PACKAGE", tmp_path / "cds_service")
    assert shipped("rules") == tmp_path / "rules"
    packaged = tmp_path / "cds_service" / "_content" / "rules"
    packaged.mkdir(parents=True)
    assert shipped("rules") == packaged


def test_settings_do_not_change():
    with pytest.raises(AttributeError):
        read({}).port = 1  # type: ignore[misc]
