"""Terraform waits between giving a right and its first use where Google refuses what it does not know yet."""

from __future__ import annotations

import re

from tests.infra.hcl import INFRA, Block, expressions, of_kind, unquoted

_RESOURCES = of_kind(INFRA, "resource")
_WAITS = {name: block for name, block in _RESOURCES.items() if name.startswith("time_sleep.")}


def _after(block: Block) -> set[str]:
    return set(re.findall(r"[a-z]\w+\.\w+", str(block.body.get("depends_on"))))


def test_every_function_is_built_after_the_wait_for_its_builder() -> None:
    modules = of_kind(INFRA, "module")
    functions = {name for name, block in modules.items() if unquoted(block.body["source"]) == "./modules/function"}

    assert functions == {"webhook", "dispatch", "redeliver", "report", "reconcile"}
    assert {name for name in functions if "time_sleep.build" not in _after(modules[name])} == set()


def test_the_wait_is_for_everything_that_the_builder_may_do() -> None:
    rights = {
        name
        for name, block in _RESOURCES.items()
        if "google_service_account.build.member" in str(block.body.get("member"))
    }

    waited = " ".join(expressions(_WAITS["time_sleep.build"].body["triggers"]))
    assert rights
    assert {name for name in rights if f"{name}.id" not in waited} == set()


def test_pubsubs_identity_is_bound_after_the_wait_for_it() -> None:
    bound = {name for name, block in _RESOURCES.items() if "local.pubsub_agent" in str(block.body.get("member"))}

    late = {name for name in bound if "time_sleep.pubsub_agent" in _after(_RESOURCES[name])}
    # this one is bound to a subscription, which is made after the others
    assert bound - late == {"google_pubsub_subscription_iam_member.pubsub_takes"}
    assert {
        "google_pubsub_topic_iam_member.pubsub_gives_up",
        "google_service_account_iam_member.pubsub_speaks_as_push",
    } <= (_after(_RESOURCES["google_pubsub_subscription.dispatch"]) & late)


def test_secrets_get_their_topic_after_the_wait_for_the_right_to_it() -> None:
    assert "time_sleep.secret_rotation" in _after(_RESOURCES["google_secret_manager_secret.this"])


def test_each_waits_as_long_as_one_is_told_and_again_for_what_is_made_anew() -> None:
    assert len(_WAITS) == 3
    for block in _WAITS.values():
        assert unquoted(block.body["create_duration"]) == "${var.iam_wait_seconds}s"
        assert block.body["triggers"]
