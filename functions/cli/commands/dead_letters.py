"""`pipehook dead-letters`: what could never be created, listed and put back into the queue."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import click

from functions.adapters.pubsub.dead_letter_box import DeadLetterBox, open_dead_letters, subscription_of
from functions.cli.app import Command, Group
from functions.cli.output import FAILED, document, finish, options, output_option, progress, say, status, table
from functions.cli.types import SUBSCRIPTION, TOPIC
from functions.queue.dead_letters import DeadLetter
from functions.settings import read_settings

_LIST = """
Examples:
  pipehook dead-letters list
  pipehook dead-letters list --subscription projects/acme/subscriptions/pipehook-dead-letters -o json

The letters stay where they are. Terraform's outputs dead_letter_subscription and queue_topic have the names.
"""
_REPLAY = """
Examples:
  pipehook dead-letters replay --all                      once the cause is mended
  pipehook dead-letters replay 11840239175612 11840239175615
  pipehook dead-letters replay --trigger lab/build

Names derive from deliveries, so putting a letter back twice creates nothing twice.
Exits with 1 when one of the letters named is not there, or not all could be put back.
"""


_options: Callable[[Callable[..., Any]], Callable[..., Any]] = options(
    click.option(
        "--subscription",
        type=SUBSCRIPTION,
        default="",
        metavar="projects/P/subscriptions/S",
        help="Where they are kept [DEAD_LETTER_TOPIC's].",
    ),
    click.option("--topic", type=TOPIC, default="", metavar="projects/P/topics/T", help="The queue [QUEUE_TOPIC]."),
    click.option("--limit", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="Letters read."),
)


@click.group("dead-letters", cls=Group)
def dead_letters() -> None:
    """List what could never be created, and put it back into the queue."""


@dead_letters.command("list", cls=Command, epilog=_LIST)
@_options
@output_option()
def list_(*, subscription: str, topic: str, limit: int, output: str) -> None:
    """List the dead letters: who, what, why and how often."""
    letters = _box(subscription, topic, needs_queue=False).letters(limit=limit, progress=progress)
    if output != "table":
        say(document([_plain(letter) for letter in letters], output))
        return
    rows = [
        [
            letter.id,
            letter.trigger or "-",
            ", ".join(letter.resources) or "-",
            str(letter.attempts or "?"),
            letter.died[:19],
            letter.reason,
        ]
        for letter in letters
    ]
    if rows:
        say(table(rows, ["id", "trigger", "resources", "tried", "since", "reason"]))
    progress(f"{len(rows)} dead letter{'s' * (len(rows) != 1)}")


@dead_letters.command("replay", cls=Command, epilog=_REPLAY)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Put all back.")
@click.option("--trigger", default="", metavar="NS/NAME", help="Put back those of one trigger.")
@_options
def replay(ids: tuple[str, ...], *, everything: bool, trigger: str, subscription: str, topic: str, limit: int) -> None:
    """Put dead letters back into the queue."""
    if sum([bool(ids), everything, bool(trigger)]) != 1:
        raise click.UsageError("which letters? Give ids, --trigger or --all")
    found: set[str] = set()

    def wanted(letter: DeadLetter) -> bool:
        chosen = everything or letter.id in ids or (bool(trigger) and letter.trigger == trigger)
        if chosen:
            found.add(letter.id)
        return chosen

    done = _box(subscription, topic, needs_queue=True).replay(wanted, limit=limit, progress=progress)
    missing = sorted(set(ids) - found)
    for letter in missing:
        progress(f"{status('failed')} there is no dead letter {letter}")
    if done.error:
        progress(f"{status('failed')} {done.error}")
    say(f"{done.replayed} put back, {done.unreadable} cannot be read, {done.kept} left alone")
    if missing or done.error or done.unreadable:
        finish(FAILED)


def _box(subscription: str, topic: str, *, needs_queue: bool) -> DeadLetterBox:
    settings = read_settings(os.environ)
    from_topic = subscription_of(settings.dead_letter_topic) if settings.dead_letter_topic else ""
    subscription, topic = subscription or from_topic, topic or settings.queue_topic
    if not subscription:
        raise click.UsageError(
            "which dead letters? Set DEAD_LETTER_TOPIC, or give --subscription projects/P/subscriptions/S"
        )
    if needs_queue and not topic:
        raise click.UsageError("back into which queue? Set QUEUE_TOPIC, or give --topic projects/P/topics/T")
    return open_dead_letters(subscription, topic)


def _plain(letter: DeadLetter) -> Mapping[str, Any]:
    return {
        "id": letter.id,
        "trigger": letter.trigger,
        "listener": letter.listener,
        "eventID": letter.event_id,
        "resources": list(letter.resources),
        "reason": letter.reason,
        "attempts": letter.attempts,
        "queued": letter.queued,
        "died": letter.died,
        "readable": letter.readable,
    }
