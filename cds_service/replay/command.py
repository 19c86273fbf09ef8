"""``cds-service replay``: why was that said, and what would other rules say."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cds_service.settings import Settings
from cds_service.storage.moments import moment

if TYPE_CHECKING:
    from cds_service.content import Content
    from cds_service.replay.again import Order, Said
    from cds_service.storage.reading import Kept

FAILED, USAGE = 1, 2
_ABOUT = """\
Judges what was decided once more, on the facts of then. With the id of a decision (it stands in every response and in
the log): what was said and why, by the rules of that day as long as they are kept, and what the rules in force would
say. With --since: every decision that the rules in force, or those of --rules, would judge otherwise.
"""


def add_to(commands: Any) -> None:
    """Add the command to the command line."""
    form = argparse.RawDescriptionHelpFormatter
    about = "judge earlier decisions again: why, and what other rules would say"
    replay = commands.add_parser("replay", help=about, description=_ABOUT, formatter_class=form)
    replay.add_argument("decision", nargs="?", help="the id of a decision")
    replay.add_argument("--since", help="every decision since then: a day or a moment, as in 2026-03-02")
    replay.add_argument("--until", help="and before then")
    replay.add_argument("--rules", type=Path, help="a folder of rules to judge by, in place of those in force")
    replay.set_defaults(run=run)


def run(parsed: argparse.Namespace, settings: Settings) -> int:
    """Judge one decision again, or many."""
    if bool(parsed.decision) == bool(parsed.since):
        print("give the id of a decision, or --since", file=sys.stderr)
        return USAGE
    from cds_service.storage.database import Database

    chosen = replace(settings, rules=parsed.rules.absolute()) if parsed.rules else settings
    database = Database(settings.database_url)
    try:
        return _one(parsed.decision, database, chosen) if parsed.decision else _many(parsed, database, chosen)
    finally:
        database.close()


def _one(name: str, database: Any, settings: Settings) -> int:
    from cds_service.storage import reading

    kept = reading.decision(database, name)
    if kept is None:
        print(f"there is no decision {name}, or none any more", file=sys.stderr)
        return FAILED
    for line in told(kept, _shelved(kept, settings), _in_force(settings)):
        print(line)
    return 0


def _many(parsed: argparse.Namespace, database: Any, settings: Settings) -> int:
    from cds_service.replay.again import judged_again
    from cds_service.storage import reading

    when = reading.Between(moment(parsed.since, settings), moment(parsed.until, settings) if parsed.until else None)
    content = _in_force(settings)
    orders = different = lost = 0
    for kept in reading.decisions(database, when):
        for order in judged_again(kept, content):
            orders += 1
            lost += order.judged is None
            lines = list(_differences(order))
            different += bool(lines)
            if lines:
                print(f"{kept.row['decided_at'][:16]} {kept.row['decision']} {order.exam}")
                print("\n".join(lines))
    print(f"{orders} orders judged again, {different} otherwise, {lost} without their facts.")
    return 0


def _in_force(settings: Settings) -> Content:
    from cds_service import content
    from cds_service.library import Places

    files = Places(settings.rules, settings.cards, None, settings.site, settings.licences).files()
    today = datetime.now(UTC).date()
    return content.build(files, today=today, licences=settings.licences, run_examples=False)


def _shelved(kept: Kept, settings: Settings) -> Content | None:
    """The content the decision was made under, as it was on that day; None when it is no longer kept."""
    from cds_service import content, shelf

    files = shelf.get(settings.data, kept.row["digest"])
    if files is None:
        return None
    day = date.fromisoformat(kept.row["decided_at"][:10])
    return content.build(files, today=day, licences=settings.licences, run_examples=False)


def told(kept: Kept, then: Content | None, now: Content) -> Iterator[str]:
    """Everything about one decision, in lines."""
    from cds_service.replay.again import judged_again

    row = kept.row
    yield f"DECISION {row['decision']}"
    yield f"  {row['decided_at'][:19]} UTC, {row['service']}, client {row['client']}, {row['milliseconds']:.1f} ms"
    if not kept.orders:
        yield "  No order was judged."
        return
    yield f"  rules of then: {row['digest']}{'' if then is not None else ', no longer kept'}; now: {now.digest}"
    old = judged_again(kept, then) if then is not None else [None] * len(kept.orders)
    for order, before in zip(judged_again(kept, now), old, strict=True):
        yield from _order(order, before, kept)


def _order(order: Order, before: Order | None, kept: Kept) -> Iterator[str]:
    yield f"\nORDER {order.exam}"
    if order.judged is None:
        yield "  Its facts are no longer kept; only what was said is."
    why = {one.rule: one.why for one in before.judged or ()} if before is not None else {}
    yield "\n  SAID THEN"
    for said in order.then:
        yield f"    {_words(said)}"
        if why.get(said["rule"]):
            yield f"      because {why[said['rule']]}"
    if not order.then:
        yield "    No rule spoke about this order."
    if before is not None and list(before.differences()):
        yield "  Judged again by the rules of then, it comes out otherwise:"
        yield from _differences(before)
    if order.judged is not None:
        yield "\n  THE RULES NOW"
        yield from list(_differences(order)) or ["    say the same."]
    if order.left:
        yield f"  On record then and not read: {', '.join(sorted(order.left))}"


def _differences(order: Order) -> Iterator[str]:
    for _, then, now in order.differences():
        yield f"    - {_words(then)}" if then is not None else "    - nothing"
        yield f"    + {_words(now)}" if now is not None else "    + nothing"


def _words(said: Said) -> str:
    """A verdict in one line."""
    words = [f"{said['rule']} v{said['version']}:" if said["version"] else f"{said['rule']}:", said["outcome"]]
    if "advice" in said:
        words.append(f"({said['indicator']}, {said['advice']}{'' if said['shown'] else ', not shown'})")
    if said.get("alternatives"):
        words.append("offering " + ", ".join(said["alternatives"]))
    if said.get("unknown"):
        words.append("not knowing " + ", ".join(said["unknown"]))
    return " ".join(words)
