"""The GitHub stand-in: reading, hooks and deliveries, credentials, limits."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.standins.faults import Fault
from tests.standins.github_api import GitHubApi
from tests.standins_tests.receivers import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Ask = Callable[..., urllib3.BaseHTTPResponse]


@pytest.fixture
def github() -> Iterator[GitHubApi]:
    with GitHubApi() as running:
        yield running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def ask(github: GitHubApi) -> Iterator[Ask]:
    with urllib3.PoolManager(retries=urllib3.Retry(connect=0, read=0, redirect=1), timeout=60) as pool:

        def request(
            method: str, path: str, body: object = None, *, token: str = "", accept: str = "", etag: str = ""
        ) -> urllib3.BaseHTTPResponse:
            url = path if path.startswith("http") else f"{github.url}{path}"
            headers = {"Authorization": f"Bearer {token or github.token}", "Accept": accept, "If-None-Match": etag}
            return pool.request(method, url, headers=headers, body=json.dumps(body).encode() if body else None)

        yield request


def every_page(ask: Ask, path: str) -> list[Any]:
    found: list[Any] = []
    while path:
        answer = ask("GET", path)
        assert answer.status == 200
        found += answer.json()
        following = [part for part in answer.headers.get("Link", "").split(", ") if 'rel="next"' in part]
        path = following[0].partition("<")[2].partition(">")[0] if following else ""
    return found


def test_files_and_people_come_in_pages(github: GitHubApi, ask: Ask) -> None:
    github.set_files("Own/Repo", 7, [f"f{number}" for number in range(65)])
    github.set_collaborators("own/repo", ["ann", "bob"])
    github.set_members("own", ["cat"])
    files = every_page(ask, "/repos/own/repo/pulls/7/files")
    assert [one["filename"] for one in files] == [f"f{number}" for number in range(65)]
    assert len(github.requests) == 3
    assert [one["login"] for one in every_page(ask, "/repos/own/repo/collaborators?per_page=1")] == ["ann", "bob"]
    assert [one["login"] for one in every_page(ask, "/orgs/own/members")] == ["cat"]
    assert ask("GET", "/orgs/own/members/Cat").status == 204
    assert ask("GET", "/orgs/own/members/dog").status == 404
    assert ask("GET", "/repos/own/repo/pulls/8/files").json()["message"] == "Not Found"


def test_who_is_no_member_is_led_to_the_public_ones(github: GitHubApi, ask: Ask) -> None:
    github.set_members("own", ["ann", "bob"], public=["bob"], from_outside=True)
    assert ask("GET", "/orgs/own/members/ann").status == 404
    assert ask("GET", "/orgs/own/members/bob").status == 204
    assert [seen.status for seen in github.requests] == [302, 404, 302, 204]
    assert [one["login"] for one in every_page(ask, "/orgs/own/members")] == ["bob"]
    assert [one["login"] for one in every_page(ask, "/orgs/own/public_members")] == ["bob"]
    assert ask("GET", "/orgs/nobody/public_members").status == 404


def test_an_answer_that_is_known_is_304_and_costs_nothing(github: GitHubApi, ask: Ask) -> None:
    github.set_contents("own/repo", "OWNERS", b"approvers: [ann]\n")
    path = "/repos/own/repo/contents/OWNERS"
    etag = ask("GET", path).headers["ETag"]
    left = github.rate.remaining
    again = ask("GET", path, etag=etag)
    assert (again.status, again.data, again.headers["ETag"]) == (304, b"", etag)
    assert github.rate.remaining == left
    github.set_contents("own/repo", "OWNERS", b"approvers: [bob]\n")
    assert ask("GET", path, etag=etag).status == 200
    assert "ETag" not in ask("GET", "/repos/own/repo/contents/none").headers


def test_a_pull_request_has_a_head_and_a_state(github: GitHubApi, ask: Ask) -> None:
    github.set_pull_request("own/repo", 7, sha="a" * 40, author="ann", state="closed")
    found = ask("GET", "/repos/own/repo/pulls/7").json()
    assert (found["head"]["sha"], found["user"]["login"], found["state"]) == ("a" * 40, "ann", "closed")
    assert ask("GET", "/repos/own/repo/pulls/8").status == 404


def test_contents_and_comments(github: GitHubApi, ask: Ask) -> None:
    github.set_contents("own/repo", "OWNERS", b"approvers: [ann]\n")
    github.set_comments("own/repo", 7, [{"body": "/ok-to-test", "user": {"login": "ann"}}])
    path = "/repos/own/repo/contents/OWNERS"
    assert ask("GET", path, accept="application/vnd.github.raw").data == b"approvers: [ann]\n"
    encoded = ask("GET", f"/api/v3{path}").json()
    assert base64.b64decode(encoded["content"]) == b"approvers: [ann]\n"
    assert ask("GET", "/repos/own/repo/issues/7/comments").json()[0]["body"] == "/ok-to-test"


def test_a_delivery_is_signed_and_recorded(github: GitHubApi, ask: Ask, receiver: Receiver) -> None:
    hook = github.add_hook("repos/own/repo", receiver.url, secret="key")
    sent = github.deliver(hook, "push", {"ref": "refs/heads/main"})
    got = receiver.received[0]
    digest = hmac.new(b"key", got.body, hashlib.sha256).hexdigest()
    assert got.headers["x-hub-signature-256"] == f"sha256={digest}"
    assert got.headers["x-github-delivery"] == sent.guid
    base = f"/repos/own/repo/hooks/{hook.id}/deliveries"
    item = ask("GET", base).json()[0]
    assert (item["guid"], item["status"], item["status_code"]) == (sent.guid, "OK", 202)
    assert (item["event"], item["action"], item["redelivery"]) == ("push", None, False)
    detail = ask("GET", f"{base}/{item['id']}").json()
    assert detail["request"]["payload"] == {"ref": "refs/heads/main"}
    assert detail["response"]["payload"] == '{"status": "202"}'


@pytest.mark.parametrize(("scope", "base"), [("repos/own/repo", None), ("orgs/own", None), ("app", "/app/hook")])
def test_a_redelivery_is_the_same_delivery(
    github: GitHubApi, ask: Ask, receiver: Receiver, scope: str, base: str | None
) -> None:
    hook = github.add_hook(scope, receiver.url, secret="key")
    base = base or f"/{scope}/hooks/{hook.id}"
    token = app_token(github) if scope == "app" else github.token
    receiver.status = 503
    failed = github.deliver(hook, "push", {"n": 1})
    assert (failed.status_code, failed.status) == (503, "Invalid HTTP Response: 503")
    receiver.status = 202
    assert ask("POST", f"{base}/deliveries/{failed.id}/attempts", token=token).status == 202
    github.wait_idle()
    first, second = receiver.received
    assert (first.body, first.headers) == (second.body, second.headers)
    listed = ask("GET", f"{base}/deliveries", token=token).json()
    assert [(one["redelivery"], one["status_code"]) for one in listed] == [(True, 202), (False, 503)]
    assert len({one["guid"] for one in listed}) == 1
    failures = ask("GET", f"{base}/deliveries?status=failure", token=token).json()
    assert [one["id"] for one in failures] == [failed.id]
    assert ask("POST", f"{base}/deliveries/1/attempts", token=token).status == 404


def test_deliveries_are_paged_by_cursor_and_forgotten(github: GitHubApi, ask: Ask, receiver: Receiver) -> None:
    hook = github.add_hook("repos/own/repo", receiver.url)
    old = datetime.now(UTC) - timedelta(days=4)
    github.deliver(hook, "push", {}, delivered_at=old)
    for _ in range(4):
        github.deliver(hook, "push", {})
    base = f"/repos/own/repo/hooks/{hook.id}/deliveries"
    found = every_page(ask, f"{base}?per_page=2")
    assert [one["id"] for one in found] == sorted((one["id"] for one in found), reverse=True)
    assert len(found) == 5
    github.forget_deliveries(datetime.now(UTC) - timedelta(days=3))
    assert len(ask("GET", base).json()) == 4
    assert ask("GET", f"{base}?cursor=nonsense").status == 422


def test_what_github_records_of_dead_receivers(github: GitHubApi, receiver: Receiver) -> None:
    hook = github.add_hook("repos/own/repo", receiver.url)
    receiver.listener.refuse()
    dead = github.deliver(hook, "push", {})
    assert (dead.status_code, dead.status, dead.succeeded) == (502, "failed to connect", False)
    with socket.create_server(("127.0.0.1", 0)) as silent, GitHubApi(delivery_timeout=0.3) as impatient:
        hook = impatient.add_hook("repos/own/repo", f"http://127.0.0.1:{silent.getsockname()[1]}/")
        slow = impatient.deliver(hook, "push", {})
    assert (slow.status_code, slow.status) == (504, "timed out")


def test_hooks_are_made_changed_and_pinged(github: GitHubApi, ask: Ask, receiver: Receiver) -> None:
    settings = {"url": receiver.url, "content_type": "json", "secret": "key"}
    made = ask("POST", "/repos/own/repo/hooks", {"name": "web", "events": ["push"], "config": settings})
    assert made.status == 201
    hook = made.json()
    assert hook["config"]["secret"] == "********"
    assert receiver.received.wait()[0].headers["x-github-event"] == "ping"
    again = ask("POST", "/repos/own/repo/hooks", {"name": "web", "events": ["push"], "config": settings})
    assert (again.status, again.json()["message"]) == (422, "Validation Failed")
    path = f"/repos/own/repo/hooks/{hook['id']}"
    assert ask("PATCH", path, {"events": ["push", "pull_request"]}).json()["events"] == ["push", "pull_request"]
    assert ask("POST", f"{path}/pings").status == 204
    receiver.received.wait(count=2)
    github.wait_idle()
    assert [one["id"] for one in ask("GET", "/repos/own/repo/hooks").json()] == [hook["id"]]
    assert ask("DELETE", path).status == 204
    assert ask("GET", path).status == 404


def app_token(github: GitHubApi, *, seconds: int = 300, issuer: str = "") -> str:
    key = serialization.load_pem_private_key(github.app_key_pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    claims = {"iss": issuer or github.app_id, "iat": int(time.time()), "exp": int(time.time()) + seconds}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in ({"alg": "RS256"}, claims)]
    signed = b".".join(parts)
    signature = key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def test_tokens_and_app_keys(github: GitHubApi, ask: Ask) -> None:
    assert ask("GET", "/orgs/own/members", token="wrong").json()["message"] == "Bad credentials"
    path = "/app/installations/1/access_tokens"
    made = ask("POST", path, token=app_token(github))
    assert made.status == 201
    github.set_members("own", ["ann"])
    assert ask("GET", "/orgs/own/members", token=made.json()["token"]).status == 200
    assert ask("POST", path).status == 401
    assert "too far" in ask("POST", path, token=app_token(github, seconds=3600)).json()["message"]
    assert "Issuer" in ask("POST", path, token=app_token(github, issuer="1")).json()["message"]
    assert "Expiration" in ask("POST", path, token=app_token(github, seconds=-5)).json()["message"]
    github.revoke(github.token)
    assert ask("GET", "/orgs/own/members").status == 401


def test_limits(github: GitHubApi, ask: Ask) -> None:
    github.set_members("own", ["ann"])
    first = ask("GET", "/orgs/own/members")
    assert int(first.headers["x-ratelimit-remaining"]) == 4999
    github.secondary_limit(retry_after=3)
    limited = ask("GET", "/orgs/own/members")
    assert (limited.status, limited.headers["retry-after"]) == (403, "3")
    assert "secondary rate limit" in limited.json()["message"]
    github.exhaust(remaining=1)
    assert ask("GET", "/orgs/own/members").status == 200
    spent = ask("GET", "/orgs/own/members")
    assert (spent.status, spent.headers["x-ratelimit-remaining"]) == (403, "0")
    github.exhaust(reset_in=-1)
    assert ask("GET", "/orgs/own/members").status == 200


def test_faults(github: GitHubApi, ask: Ask) -> None:
    github.set_members("own", ["ann"])
    github.faults.add(Fault(status=502, times=1))
    github.faults.add(Fault(status=301, headers={"Location": f"{github.url}/orgs/own/members"}, times=1))
    assert ask("GET", "/orgs/own/members").status == 502
    assert ask("GET", "/orgs/old/members").status == 200
    github.faults.add(Fault(action="reset", times=1))
    with pytest.raises(urllib3.exceptions.MaxRetryError):
        ask("GET", "/orgs/own/members")
