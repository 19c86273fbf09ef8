"""
The command line: serve, check, explain, docs, catalogue, storage, clients, decisions, feedback, replay.

Exit status: 0 when all is well; 1 when the content, clients.yaml, the request or a token is wrong, or a page
is out of date; 2 when the call or a setting is wrong.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cds_service import __version__
from cds_service import settings as settings_file
from cds_service.catalogue import command as catalogue
from cds_service.clients import command as callers
from cds_service.errors import ContentError, Problem, RequestError, SettingsError, StorageError
from cds_service.replay import command as replay
from cds_service.settings import Settings
from cds_service.storage import command as storage
from cds_service.storage import exporting

if TYPE_CHECKING:
    from cds_service.content import Content
    from cds_service.hooks.request import HookRequest
    from cds_service.telemetry.traces import Traces

FAILED, USAGE = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit status."""
    parsed = _parser().parse_args(arguments)
    try:
        settings = settings_file.read(os.environ)
        return int(parsed.run(parsed, settings))
    except SettingsError as error:
        print(error, file=sys.stderr)
        for problem in _of_clients():
            print(problem, file=sys.stderr)
        return USAGE
    except StorageError as error:
        print(f"The database cannot be used: {error}", file=sys.stderr)
        return FAILED
    except ContentError as error:
        _print_problems(error.problems)
        return FAILED


def _of_clients() -> Sequence[Problem]:
    """What is wrong with clients.yaml as well, so that whoever corrects a setting need not come twice."""
    from cds_service import clients

    try:
        clients.load(Path(os.environ.get("CDS_SITE", "").strip() or os.devnull))
    except ContentError as error:
        return error.problems
    except OSError:
        pass
    return ()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cds-service",
        description="Pediatric imaging decision support, CDS Hooks. Settings come from the environment (CDS_...).",
        epilog="exit status: 0 all is well; 1 the content, clients.yaml, the request or a token is wrong, or a "
        "page is out of date; 2 the call or a setting is wrong",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="command")
    serve = commands.add_parser("serve", help="run the service")
    serve.add_argument("--host", help="address to listen on (loopback)")
    serve.add_argument("--port", help="port to listen on")
    serve.set_defaults(run=_serve)
    check = commands.add_parser("check", help="everything wrong with rules, cards, codes and site choices")
    check.add_argument("--quick", action="store_true", help="try fewer situations, and no two topics together")
    check.add_argument("--states", action="store_true", help="how much was tried of each topic, and of each two")
    check.set_defaults(run=_check)
    explain = commands.add_parser("explain", help="what one request leads to, and why")
    explain.add_argument("request", type=Path, help="a JSON file with a CDS Hooks request, or - for standard input")
    explain.add_argument("--all", action="store_true", help="also the rules that don't apply")
    explain.add_argument("--client", default="", help="which client of clients.yaml asks, where there are several")
    explain.set_defaults(run=_explain)
    docs = commands.add_parser("docs", help="write the generated pages anew")
    docs.add_argument("--check", action="store_true", help="only say which pages are out of date")
    docs.set_defaults(run=_docs)
    catalogue.add_to(commands)
    storage.add_to(commands)
    callers.add_to(commands, _test_token)
    exporting.add_to(commands)
    replay.add_to(commands)
    return parser


def _serve(parsed: argparse.Namespace, _: Settings) -> int:
    gc.disable()  # all that is made before the first call stays; the app turns it on again once it is settled
    import uvicorn

    from cds_service import app, telemetry

    given = {"CDS_HOST": parsed.host, "CDS_PORT": parsed.port}
    chosen = settings_file.read({**os.environ, **{name: value for name, value in given.items() if value is not None}})
    telemetry.configure(chosen.log_level)
    options = app.server_options(chosen)
    traces = _traces(chosen)
    before = signal.signal(signal.SIGTERM, _ended_well)
    try:
        uvicorn.run(app.build(chosen, traces=traces), **options)
    finally:
        signal.signal(signal.SIGTERM, before)
        if traces is not None:
            traces.close()
    return 0


def _ended_well(*_: object) -> None:
    """What the server raises again once it has finished what it accepted: a stop that was asked for is no failure."""
    sys.exit(0)


def _traces(chosen: Settings) -> Traces | None:
    """Where spans go, when the site wants them; nothing of it is loaded otherwise."""
    if chosen.traces == "off":
        return None
    from cds_service.telemetry.traces import Traces

    return Traces()


def _test_token(parsed: argparse.Namespace, settings: Settings) -> int:
    from cds_service import clients
    from cds_service.storage.use_log import used

    known = clients.load(settings.site, settings.fhir_servers)
    if clients.checked(known) and not settings.public_url:
        raise SettingsError("CDS_PUBLIC_URL: nothing was given; give the base URL clients call, which tokens name")
    names = used(settings.data / "used-tokens")
    service = callers.Service(known, settings.public_url, names.__contains__)
    return 0 if callers.explain(parsed.token, service) else FAILED


def _content_of(settings: Settings) -> tuple[dict[str, bytes], datetime]:
    from cds_service.library import Places

    places = Places(settings.rules, settings.cards, None, settings.site, settings.licences)
    return places.files(), datetime.now(UTC)


def _check(parsed: argparse.Namespace, settings: Settings) -> int:
    problems: list[Problem] = []
    made = None
    for look in (_clients_of, _sheets_of, _unheeded, _checked):
        try:
            made = look(settings)
        except ContentError as error:
            problems.extend(one for one in error.problems if one not in problems)
    if made is not None:
        from cds_service.consistency import changed_examples

        for line in changed_examples(made):
            print(line)
        problems.extend(_tried(made, parsed))
    if problems:
        _print_problems(problems)
        return FAILED
    assert made is not None
    print("All well: " + ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in made.counts.items()) + ".")
    return 0


def _tried(made: Content, parsed: argparse.Namespace) -> Sequence[Problem]:
    """Try the rules as a whole and say how much was tried; the promises they break."""
    from cds_service.enumeration import look, summary, table

    report = look(made, quick=parsed.quick)
    for line in (*(table(report) if parsed.states else ()), summary(report)):
        print(line)
    return sorted(report.problems)


def _clients_of(settings: Settings) -> None:
    from cds_service import clients

    clients.load(settings.site, settings.fhir_servers)


def _sheets_of(settings: Settings) -> None:
    """Every review sheet of the exam catalogue, those that nobody has approved yet too."""
    from cds_service.vocabulary import site_catalogue

    files, _ = _content_of(settings)
    site_catalogue.read({name: one for name, one in files.items() if name.startswith(site_catalogue.FOLDER)})


def _unheeded(settings: Settings) -> None:
    from cds_service.consistency import unheeded

    files, _ = _content_of(settings)
    problems = list(unheeded(files, settings.licences))
    if problems:
        raise ContentError(problems)


def _checked(settings: Settings) -> Content:
    from cds_service import content
    from cds_service.consistency import whole

    files, now = _content_of(settings)
    inspect = partial(whole, day=now.date())
    return content.build(files, today=now.date(), licences=settings.licences, inspect=inspect)


def _print_problems(problems: Sequence[Problem]) -> None:
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(problems)} problem{'' if len(problems) == 1 else 's'}.", file=sys.stderr)


def _explain(parsed: argparse.Namespace, settings: Settings) -> int:
    from cds_service import clients, content
    from cds_service.explain import Asked, explain
    from cds_service.facts.gather import Site

    files, now = _content_of(settings)
    made = content.build(files, today=now.date(), licences=settings.licences, run_examples=False)
    known = clients.load(settings.site, settings.fhir_servers)
    client = known.get(parsed.client or next(iter(known)))
    if client is None or (len(known) > 1 and not parsed.client):
        print(f"--client: name one of {', '.join(known)}", file=sys.stderr)
        return USAGE
    try:
        source = sys.stdin.buffer.read() if str(parsed.request) == "-" else parsed.request.read_bytes()
        request = _read_request(source)
    except OSError as error:
        print(f"{parsed.request}: {error.strerror}", file=sys.stderr)
        return USAGE
    except RequestError as error:
        print(f"{parsed.request}: {error}", file=sys.stderr)
        return FAILED
    site = Site(time_zone=settings.time_zone)
    for line in explain(Asked(request, made, now, site, profile=client.profile, every=parsed.all)):
        print(line)
    return 0


def _read_request(source: bytes) -> HookRequest:
    from cds_service.hooks.parse import parse

    hook = "order-select" if b'"order-select"' in source else "order-sign"
    return parse(source, service_hook=hook)


def _docs(parsed: argparse.Namespace, settings: Settings) -> int:
    from cds_service import content, docs

    files, now = _content_of(settings)
    made = content.build(files, today=now.date(), run_examples=False)
    root = settings.rules.parent
    if not parsed.check:
        for path in docs.write(root, made):
            print(f"wrote {path}")
        return 0
    stale = docs.stale(root, made)
    for path in stale:
        print(f"{path} is out of date; run: make docs", file=sys.stderr)
    return FAILED if stale else 0


if __name__ == "__main__":
    sys.exit(main())
