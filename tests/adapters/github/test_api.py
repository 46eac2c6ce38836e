"""GitHub's REST API, asked over HTTP: pages, limits, refusals, redirects, and where the token goes."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from unittest import mock
from urllib.parse import urlsplit

import pytest

from functions.adapters.github import kept as github_kept
from functions.adapters.github import transport as github_transport
from functions.adapters.github.answers import Question
from functions.adapters.github.api import RestGitHubApi
from functions.adapters.github.kept import FRESH_SECONDS
from functions.adapters.github.transport import GitHubTransport
from functions.common.errors import LastingError, PassingError, TokenRefusedError
from functions.common.ports import ChangedFile, Comparison, Deadline
from functions.common.values import Json
from tests.adapters.outbound.support import Asked
from tests.adapters.outbound.support import Server as TricklingServer
from tests.adapters.outbound.support import answer as said
from tests.standins.certificates import Authority
from tests.standins.faults import Fault
from tests.standins.github_api import GitHubApi
from tests.standins.threaded import ThreadedServer

REPOSITORY = "octo-org/hello-world"
NOW = 1_800_000_000.0
QUESTION = Question("the thing", "the right to see it")


@dataclass
class Answer:
    """What the small server answers to one request; `abrupt` closes the connection instead."""

    status: int = 200
    body: bytes = b"[]"
    headers: dict[str, str] = field(default_factory=dict)
    abrupt: bool = False


@dataclass
class Server:
    """A small server with a script of answers, for what the stand-in of GitHub does not do."""

    url: str
    script: list[Answer]
    seen: list[tuple[str, str, dict[str, str]]]

    @property
    def paths(self) -> list[str]:
        """What was asked for."""
        return [path for _, path, _ in self.seen]


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    script: list[Answer] = []
    seen: list[tuple[str, str, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}))
            answer = script.pop(0) if script else Answer()
            if answer.abrupt:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = _answer  # noqa: N815 -- http.server's names

        def handle(self) -> None:
            with suppress(OSError):  # a client that does not trust the certificate hangs up
                super().handle()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- http.server's name
            """Keep the test's output clean."""

    with ThreadedServer(("127.0.0.1", 0), Handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Server(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}", script, seen)
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


@pytest.fixture(scope="module")
def standin() -> Iterator[GitHubApi]:
    with GitHubApi() as made:
        yield made


def deadline(seconds: float = 8.0) -> Deadline:
    return Deadline(seconds, lambda: 0.0)


def api(url: str) -> RestGitHubApi:
    return RestGitHubApi(GitHubTransport(url, now=lambda: NOW))


def files(url: str, *, token: str = "t", until: Deadline | None = None, repository: str = REPOSITORY) -> list[str]:
    found = api(url).pull_request_files(repository, 7, token=token, deadline=until or deadline())
    return [file.name for file in found]


def encoded(value: Json) -> bytes:
    return json.dumps(value).encode()


class TestAgainstTheStandIn:
    def test_all_pages_of_files_are_read_in_order(self, standin: GitHubApi) -> None:
        names = [f"src/file-{number}.py" for number in range(250)]
        standin.set_files(REPOSITORY, 7, names)
        assert files(standin.url, token=standin.token) == names

    def test_a_base_with_a_path_works_as_on_enterprise_server(self, standin: GitHubApi) -> None:
        standin.set_files(REPOSITORY, 7, ["a"])
        assert files(f"{standin.url}/api/v3", token=standin.token) == ["a"]

    def test_a_membership_is_one_request_however_many_there_are(self, standin: GitHubApi) -> None:
        logins = [f"user-{number}" for number in range(950)]
        standin.set_members("octo-org", logins)
        standin.set_collaborators(REPOSITORY, logins)
        standin.requests.clear()
        github = api(standin.url)
        assert github.is_member("octo-org", "User-949", token=standin.token, deadline=deadline())
        assert github.is_collaborator(REPOSITORY, "user-949", token=standin.token, deadline=deadline())
        assert not github.is_member("octo-org", "user-950", token=standin.token, deadline=deadline())
        assert not github.is_collaborator(REPOSITORY, "user-950", token=standin.token, deadline=deadline())
        assert [(seen.path.rpartition("/")[0], seen.status) for seen in standin.requests] == [
            ("/orgs/octo-org/members", 204),
            (f"/repos/{REPOSITORY}/collaborators", 204),
            ("/orgs/octo-org/members", 404),
            (f"/repos/{REPOSITORY}/collaborators", 404),
        ]

    def test_a_token_of_nobody_in_the_organization_sees_its_public_members(self, standin: GitHubApi) -> None:
        standin.set_members("outside", ["ann", "bob"], public=["bob"], from_outside=True)
        github = api(standin.url)
        assert github.is_member("outside", "bob", token=standin.token, deadline=deadline())
        assert not github.is_member("outside", "ann", token=standin.token, deadline=deadline())

    def test_the_head_of_an_open_pull_request(self, standin: GitHubApi) -> None:
        standin.set_pull_request(REPOSITORY, 7, sha="a" * 40)
        standin.set_pull_request(REPOSITORY, 8, sha="b" * 40, state="closed")
        github = api(standin.url)
        assert github.head(REPOSITORY, 7, token=standin.token, deadline=deadline()) == "a" * 40
        assert github.head(REPOSITORY, 8, token=standin.token, deadline=deadline()) == ""
        standin.set_pull_request(REPOSITORY, 7, sha="c" * 40)
        assert github.head(REPOSITORY, 7, token=standin.token, deadline=deadline()) == "c" * 40, "never kept"
        with pytest.raises(LastingError, match="pull requests"):
            github.head(REPOSITORY, 9, token=standin.token, deadline=deadline())

    def test_a_pull_request_is_asked_for_each_time(self, standin: GitHubApi) -> None:
        github = api(standin.url)
        for sha in ("d" * 40, "e" * 40):
            standin.set_pull_request(REPOSITORY, 10, sha=sha, author="ann")
            found = github.pull_request(REPOSITORY, 10, token=standin.token, deadline=deadline())
            assert (found["head"], found["user"]) == (
                {"sha": sha, "ref": "change"},
                {"login": "ann", "type": "User"},
            )

    def test_a_renamed_file_has_both_names(self, standin: GitHubApi) -> None:
        standin.set_files(REPOSITORY, 7, [{"filename": "b", "previous_filename": "a", "status": "renamed"}])
        found = api(standin.url).pull_request_files(REPOSITORY, 7, token=standin.token, deadline=deadline())
        assert list(found) == [ChangedFile("b", "a")]

    def test_a_comparison_says_how_two_commits_are_and_which_files_differ(self, standin: GitHubApi) -> None:
        github = api(standin.url)
        standin.set_comparison(REPOSITORY, "release/1 #2", "b" * 40, ["a", "b"], status="diverged")
        standin.set_comparison(REPOSITORY, "a" * 40, "b" * 40, [f"f{number}" for number in range(301)])
        found = github.compared(REPOSITORY, "release/1 #2", "b" * 40, token=standin.token, deadline=deadline())
        assert found == Comparison("diverged", (ChangedFile("a"), ChangedFile("b")), whole=True)
        many = github.compared(REPOSITORY, "a" * 40, "b" * 40, token=standin.token, deadline=deadline())
        assert many is not None
        assert (len(many.files), many.whole) == (300, False)
        assert github.compared(REPOSITORY, "c" * 40, "b" * 40, token=standin.token, deadline=deadline()) is None

    def test_the_contexts_that_failed_are_statuses_and_check_runs_of_all_pages(self, standin: GitHubApi) -> None:
        sha = "f" * 40
        states = {f"ok-{number}": "success" for number in range(150)}
        standin.set_statuses(REPOSITORY, sha, states | {"ci": "failure", "cd": "error", "e2e": "pending"})
        checks = {f"fine-{number}": "success" for number in range(120)} | {
            "lint": "failure",
            "slow": "timed_out",
            "gone": "cancelled",
            "bad": "startup_failure",
            "runs": None,
            "skip": "skipped",
            "maybe": "neutral",
            "you": "action_required",
            "ci": "failure",
        }
        standin.set_checks(REPOSITORY, sha, checks)
        found = api(standin.url).failed_contexts(REPOSITORY, sha, token=standin.token, deadline=deadline())
        assert found == ["ci", "cd", "lint", "slow", "gone", "bad"]

    @pytest.mark.parametrize("status", [403, 404])
    def test_a_token_that_may_not_read_checks_sees_the_statuses(self, standin: GitHubApi, status: int) -> None:
        standin.set_statuses(REPOSITORY, "c" * 40, {"ci": "failure"})
        standin.faults.add(Fault(status=status, times=1, path="/check-runs"))
        found = api(standin.url).failed_contexts(REPOSITORY, "c" * 40, token=standin.token, deadline=deadline())
        assert found == ["ci"]
        standin.faults.add(Fault(status=status, times=1, path="/status"))
        with pytest.raises(LastingError, match="commit statuses"):
            api(standin.url).failed_contexts(REPOSITORY, "c" * 40, token=standin.token, deadline=deadline())

    def test_an_owner_that_is_a_user_has_no_members(self, standin: GitHubApi) -> None:
        assert not api(standin.url).is_member("someone", "someone", token=standin.token, deadline=deadline())

    def test_a_file_is_read_as_text(self, standin: GitHubApi) -> None:
        standin.set_contents(REPOSITORY, "OWNERS", "approvers:\n- zoë\n".encode())
        github = api(standin.url)
        assert github.file(REPOSITORY, "OWNERS", token=standin.token, deadline=deadline()) == "approvers:\n- zoë\n"
        assert github.file("octo-org/none", "OWNERS", token=standin.token, deadline=deadline()) is None

    def test_an_unknown_token_is_told_apart(self, standin: GitHubApi) -> None:
        with pytest.raises(TokenRefusedError):
            files(standin.url, token="revoked")

    def test_the_secondary_limit_asks_to_come_back_later(self, standin: GitHubApi) -> None:
        standin.set_files(REPOSITORY, 7, ["a"])
        standin.secondary_limit(retry_after=17)
        with pytest.raises(PassingError) as caught:
            files(standin.url, token=standin.token)
        assert caught.value.retry_after == 17


class TestRequests:
    def test_the_token_and_githubs_headers_are_sent(self, server: Server) -> None:
        files(server.url, token="secret-token")
        method, path, headers = server.seen[0]
        assert (method, path) == ("GET", "/repos/octo-org/hello-world/pulls/7/files?per_page=100")
        assert headers["authorization"] == "Bearer secret-token"
        assert headers["accept"] == "application/vnd.github+json"
        assert headers["x-github-api-version"] == "2022-11-28"
        assert headers["user-agent"] == "pipehook"

    def test_without_a_token_none_is_sent(self, server: Server) -> None:
        files(server.url, token="")
        assert "authorization" not in server.seen[0][2]

    @pytest.mark.parametrize(
        "repository",
        ["o/..", "../o", "o/a/b", "o", "o/", "/n", "o/a?b", "o/a#b", "o/a%2f", "o/a b", "o/a\r\nX: y", "o/ä", "."],
    )
    def test_nothing_but_names_becomes_part_of_a_path(self, server: Server, repository: str) -> None:
        with pytest.raises(LastingError):
            files(server.url, repository=repository)
        assert not server.seen

    def test_a_post_carries_its_body_and_is_sent_once(self, server: Server) -> None:
        server.script += [Answer(status=502), Answer()]
        transport = GitHubTransport(server.url)
        with pytest.raises(PassingError):
            transport.send("POST", "/app", QUESTION, token="t", deadline=deadline(), body=b"{}")
        assert [(method, headers["content-type"]) for method, _, headers in server.seen] == [
            ("POST", "application/json")
        ]

    def test_a_post_is_answered(self, server: Server) -> None:
        server.script.append(Answer(status=202, body=b'{"id": 1}'))
        answer = GitHubTransport(server.url).send("POST", "/app", QUESTION, token="t", deadline=deadline())
        assert (answer.status, answer.json()) == (202, {"id": 1})
        assert "content-type" not in server.seen[0][2]

    def test_a_post_on_a_connection_that_broke_is_not_sent_again(self, server: Server) -> None:
        server.script += [Answer(abrupt=True), Answer()]
        with pytest.raises(PassingError, match="cannot be reached"):
            GitHubTransport(server.url).send("POST", "/app", QUESTION, token="t", deadline=deadline())
        assert len(server.seen) == 1


class TestAnswers:
    @pytest.mark.parametrize(
        ("answer", "retry_after"),
        [
            (Answer(status=429, headers={"Retry-After": "9"}), 9),
            (Answer(status=403, headers={"Retry-After": "5"}), 5),
            (Answer(status=403, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{NOW + 90:.0f}"}), 90),
            (Answer(status=429, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{NOW - 5:.0f}"}), 1),
            (Answer(status=403, body=b'{"message": "You have exceeded a secondary rate limit."}'), 60),
            (Answer(status=429, headers={"Retry-After": "soon"}), 60),
        ],
    )
    def test_rate_limits_pass_after_a_while(self, server: Server, answer: Answer, retry_after: float) -> None:
        server.script.append(answer)
        with pytest.raises(PassingError, match="rate limit") as caught:
            files(server.url)
        assert caught.value.retry_after == retry_after
        assert len(server.seen) == 1

    @pytest.mark.parametrize("status", [403, 404])
    def test_what_the_token_may_not_see_names_the_permission(self, server: Server, status: int) -> None:
        server.script.append(Answer(status=status, body=b'{"message": "Not Found"}'))
        with pytest.raises(LastingError, match="read access to the repository's pull requests") as caught:
            files(server.url)
        assert not caught.value.passing
        assert not isinstance(caught.value, TokenRefusedError)

    @pytest.mark.parametrize("status", [502, 503, 504])
    def test_a_gateways_fault_is_tried_once_more(self, server: Server, status: int) -> None:
        server.script += [Answer(status=status), Answer(body=encoded([{"filename": "a"}]))]
        assert files(server.url) == ["a"]

    @pytest.mark.parametrize("status", [500, 502, 503])
    def test_a_lasting_outage_is_a_passing_fault(self, server: Server, status: int) -> None:
        server.script += [Answer(status=status)] * 2
        with pytest.raises(PassingError, match=str(status)):
            files(server.url)

    def test_a_503_that_names_a_time_is_not_tried_again_at_once(self, server: Server) -> None:
        server.script.append(Answer(status=503, headers={"Retry-After": "30"}))
        with pytest.raises(PassingError) as caught:
            files(server.url)
        assert caught.value.retry_after == 30
        assert len(server.seen) == 1

    @pytest.mark.parametrize("status", [400, 410, 422, 304])
    def test_other_refusals_last(self, server: Server, status: int) -> None:
        server.script.append(Answer(status=status, body=b""))
        with pytest.raises(LastingError, match=str(status)):
            files(server.url)

    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            (b"<html>", PassingError),
            (b"", PassingError),
            (b'{"message": "x"}', LastingError),
            (b'[{"name": "a"}]', LastingError),
            (b'["a"]', LastingError),
            (b'[{"filename": 1}]', LastingError),
        ],
    )
    def test_nonsense_is_an_error_of_the_family(
        self, server: Server, body: bytes, kind: type[PassingError | LastingError]
    ) -> None:
        server.script.append(Answer(body=body))
        with pytest.raises(kind):
            files(server.url)

    def test_an_answer_without_end_is_cut_off(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(github_transport, "MAX_ANSWER", 1000)
        server.script.append(Answer(body=b" " * 1001))
        with pytest.raises(LastingError, match="the answer is larger than"):
            files(server.url)
        assert files(server.url) == []

    def test_an_answer_cut_short_is_a_passing_fault(self, server: Server) -> None:
        server.script += [Answer(body=b"[", headers={"Content-Length": "10", "Connection": "close"})] * 2
        with pytest.raises(PassingError):
            files(server.url)

    def test_no_error_holds_the_token_or_the_answer(self, server: Server) -> None:
        for status in (401, 403, 404, 422, 429):
            server.script.append(Answer(status=status, body=b'{"message": "canary-body"}'))
            with pytest.raises((LastingError, PassingError)) as caught:
                files(server.url, token="canary-token")
            assert "canary" not in str(caught.value)


class TestFiles:
    @pytest.mark.parametrize(
        ("document", "reason"),
        [
            ([], "is a directory"),
            ({"content": "", "encoding": "none"}, "too large"),
            ({"content": "abcde", "encoding": "base64"}, "something else"),
            ({"type": "submodule"}, "something else"),
        ],
    )
    def test_what_is_no_small_file_is_a_lasting_error(self, server: Server, document: Json, reason: str) -> None:
        server.script.append(Answer(body=encoded(document)))
        with pytest.raises(LastingError, match=reason):
            api(server.url).file(REPOSITORY, "OWNERS", token="", deadline=deadline())


class TestMembers:
    def test_a_token_that_may_not_see_members_asks_for_the_public_ones(self, server: Server) -> None:
        server.script += [Answer(status=403), Answer(status=204, body=b"")]
        assert api(server.url).is_member("o", "a", token="t", deadline=deadline())
        assert server.paths == ["/orgs/o/members/a", "/orgs/o/public_members/a"]

    def test_a_rate_limit_is_never_a_no(self, server: Server) -> None:
        for ask in (api(server.url).is_member, api(server.url).is_collaborator):
            server.script.append(Answer(status=403, headers={"Retry-After": "5"}))
            with pytest.raises(PassingError):
                ask("o/r" if ask.__name__ == "is_collaborator" else "o", "a", token="t", deadline=deadline())

    def test_a_token_that_may_not_see_collaborators_is_told_what_it_needs(self, server: Server) -> None:
        server.script.append(Answer(status=403, body=b'{"message": "Must have push access"}'))
        with pytest.raises(LastingError, match="of a user who can push to it"):
            api(server.url).is_collaborator(REPOSITORY, "a", token="t", deadline=deadline())

    def test_another_success_than_204_is_no_yes(self, server: Server) -> None:
        server.script += [Answer(status=200, body=b"<html>"), Answer(status=200, body=b"{}")]
        assert not api(server.url).is_member("o", "a", token="t", deadline=deadline())
        assert not api(server.url).is_collaborator(REPOSITORY, "a", token="t", deadline=deadline())

    @pytest.mark.parametrize("login", ["dependabot[bot]", "../x", "a/b", "a?b", "", ".", "ü", "a b"])
    def test_what_is_no_accounts_login_is_never_asked_for(self, server: Server, login: str) -> None:
        assert not api(server.url).is_member("o", login, token="t", deadline=deadline())
        assert not api(server.url).is_collaborator(REPOSITORY, login, token="t", deadline=deadline())
        assert not server.seen

    def test_a_redirect_to_another_host_takes_no_token_there(self, server: Server) -> None:
        server.script.append(Answer(status=302, headers={"Location": "https://evil.example/orgs/o/public_members/a"}))
        with pytest.raises(LastingError, match="another host"):
            api(server.url).is_member("o", "a", token="t", deadline=deadline())

    @pytest.mark.parametrize(
        "document", [{}, [], {"head": {}}, {"head": {"sha": 1}, "state": "open"}, {"head": {"sha": ""}}]
    )
    def test_a_pull_request_without_a_head_is_a_lasting_error(self, server: Server, document: Json) -> None:
        server.script.append(Answer(body=encoded(document)))
        with pytest.raises(LastingError, match="something else than the pull request"):
            api(server.url).head(REPOSITORY, 7, token="t", deadline=deadline())


class TestKeptAnswers:
    def asking(self, url: str) -> tuple[RestGitHubApi, list[float]]:
        times = [0.0]
        return RestGitHubApi(GitHubTransport(url, now=lambda: NOW), clock=lambda: times[0]), times

    def test_what_is_fresh_is_not_asked_again_and_what_is_not_with_its_etag(self, standin: GitHubApi) -> None:
        standin.set_contents("octo-org/kept", "OWNERS", b"approvers: [ann]")
        github, times = self.asking(standin.url)
        standin.requests.clear()

        def owners() -> str | None:
            return github.file("octo-org/kept", "OWNERS", token=standin.token, deadline=deadline())

        for times[0] in (0.0, 1.0, FRESH_SECONDS - 1):
            assert owners() == "approvers: [ann]"
        assert [seen.status for seen in standin.requests] == [200]
        for times[0] in (FRESH_SECONDS, FRESH_SECONDS + 1):
            assert owners() == "approvers: [ann]"
        assert [seen.status for seen in standin.requests] == [200, 304]
        standin.set_contents("octo-org/kept", "OWNERS", b"approvers: [bob]")
        times[0] = 3 * FRESH_SECONDS
        assert owners() == "approvers: [bob]"
        assert [seen.status for seen in standin.requests] == [200, 304, 200]

    def test_memberships_are_kept_for_both_answers_and_each_token(self, server: Server) -> None:
        github, times = self.asking(server.url)
        server.script += [Answer(status=204, body=b""), Answer(status=404), Answer(status=404)]
        for _ in range(2):
            assert github.is_member("o", "a", token="t", deadline=deadline())
            assert not github.is_member("o", "b", token="t", deadline=deadline())
            assert not github.is_member("o", "a", token="other", deadline=deadline())
        assert len(server.seen) == 3
        times[0] = FRESH_SECONDS
        server.script.append(Answer(status=404))
        assert not github.is_member("o", "a", token="t", deadline=deadline()), "who has left is found out"

    def test_errors_are_not_kept(self, server: Server) -> None:
        github, _ = self.asking(server.url)
        server.script += [Answer(status=429), Answer(status=204, body=b"")]
        with pytest.raises(PassingError):
            github.is_member("o", "a", token="t", deadline=deadline())
        assert github.is_member("o", "a", token="t", deadline=deadline())

    def test_nothing_that_is_not_fresh_is_used_while_github_cannot_be_asked(self, server: Server) -> None:
        github, times = self.asking(server.url)
        server.script += [Answer(status=204, body=b""), Answer(status=500)]
        assert github.is_member("o", "a", token="t", deadline=deadline())
        times[0] = FRESH_SECONDS
        with pytest.raises(PassingError):
            github.is_member("o", "a", token="t", deadline=deadline())

    def test_they_are_bounded_in_number_and_bytes(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(github_kept, "MAX_ANSWERS", 2)
        monkeypatch.setattr(github_kept, "MAX_BYTES", 10)
        github, _ = self.asking(server.url)
        server.script += [Answer(status=204, body=b"")] * 9
        for login in ("a", "b", "c", "b", "a"):
            github.is_member("o", login, token="t", deadline=deadline())
        assert [path.rpartition("/")[2] for path in server.paths] == ["a", "b", "c", "a"]
        server.script[:] = [Answer(status=404, body=b"123456"), Answer(status=404, body=b"123456")]
        server.script += [Answer(status=404, body=b"12345678901")] * 2 + [Answer(status=404, body=b"")]
        for login in ("d", "e", "f", "f", "d"):
            github.is_member("o", login, token="t", deadline=deadline())
        assert [path.rpartition("/")[2] for path in server.paths[4:]] == ["d", "e", "f", "f", "d"]


class TestWhereTheTokenGoes:
    def test_a_page_elsewhere_is_not_asked_for(self, server: Server) -> None:
        with serving() as elsewhere:
            server.script.append(Answer(headers={"Link": f'<{elsewhere.url}/x?page=2>; rel="next"'}))
            with pytest.raises(LastingError, match="another host"):
                files(server.url)
            assert not elsewhere.seen

    def test_a_server_whose_certificate_nobody_trusts_never_sees_it(self) -> None:
        with serving(Authority().server_context()) as stranger:
            with pytest.raises(PassingError, match="its certificate is not accepted"):
                files(stranger.url)
            assert not stranger.seen

    def test_a_redirect_elsewhere_is_not_followed(self, server: Server) -> None:
        with serving() as elsewhere:
            for location in (f"{elsewhere.url}/x", f"//{urlsplit(elsewhere.url).netloc}/x", "ftp://x/", "http://[/"):
                server.script.append(Answer(status=301, headers={"Location": location}))
                with pytest.raises(LastingError, match="another host"):
                    files(server.url)
            assert not elsewhere.seen

    def test_a_redirect_on_the_same_host_is_followed(self, server: Server) -> None:
        server.script += [
            Answer(status=301, headers={"Location": "/repositories/1/pulls/7/files?per_page=100"}),
            Answer(body=encoded([{"filename": "a"}])),
        ]
        assert files(server.url) == ["a"]
        assert server.paths[1] == "/repositories/1/pulls/7/files?per_page=100"

    def test_redirects_without_end_are_a_lasting_error(self, server: Server) -> None:
        server.script += [Answer(status=302, headers={"Location": "/again"})] * 10
        with pytest.raises(LastingError, match="redirects without end"):
            files(server.url)
        assert len(server.seen) == 4

    def test_pages_without_end_are_a_lasting_error(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(github_transport, "MAX_PAGES", 3)
        server.script += [Answer(headers={"Link": f'<{server.url}/again>; rel="next"'})] * 10
        with pytest.raises(LastingError, match="more than 3 pages"):
            files(server.url)
        assert len(server.seen) == 3

    @pytest.mark.parametrize(
        "link",
        [
            '<{url}/second>; rel="next"',
            '<{url}/first>; rel="prev", <{url}/second>; rel="next", <{url}/last>; rel="last"',
            "<{url}/second>; rel=next",
            '</second>; rel="next"',
        ],
    )
    def test_the_next_page_is_found_in_the_link_header(self, server: Server, link: str) -> None:
        server.script += [
            Answer(body=encoded([{"filename": "a"}]), headers={"Link": link.format(url=server.url)}),
            Answer(body=encoded([{"filename": "b"}]), headers={"Link": f'<{server.url}/x>; rel="prev"'}),
        ]
        assert files(server.url) == ["a", "b"]
        assert server.paths[1] == "/second"


class TestConnections:
    def test_a_connection_that_broke_is_replaced_once(self, server: Server) -> None:
        server.script += [Answer(abrupt=True), Answer(body=encoded([{"filename": "a"}]))]
        assert files(server.url) == ["a"]

    def test_nobody_listening_is_a_passing_fault(self) -> None:
        with serving() as gone:
            url = gone.url
        with pytest.raises(PassingError, match="cannot be reached"):
            files(url)

    def test_no_call_is_made_when_no_time_is_left(self, server: Server) -> None:
        with pytest.raises(PassingError, match="no time was left"):
            files(server.url, until=deadline(0))
        assert not server.seen

    def test_a_server_that_does_not_answer_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(github_transport, "CALL_SECONDS", 0.05)
        with ExitStack() as stack:
            url = stack.enter_context(_silent())
            with pytest.raises(PassingError, match="did not answer in time"):
                files(url)

    @pytest.mark.parametrize(
        "first",
        [
            b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
        ],
        ids=["body", "body without a length"],
    )
    def test_a_body_that_comes_byte_by_byte_ends_with_the_deadline(self, first: bytes) -> None:
        drops = 0

        with TricklingServer() as trickling:

            def drip(stream: socket.socket, _asked: Asked) -> bool:
                nonlocal drops
                stream.sendall(first)
                for drops in range(500):  # noqa: B007 -- the deadline's clock reads it
                    if trickling.released.wait(0.01):
                        break
                    stream.sendall(b"a")
                return False

            trickling.say = drip
            with pytest.raises(PassingError, match="did not answer in time"):
                files(trickling.url("").rstrip("/"), until=Deadline(10.0, lambda: float(drops)))
            trickling.ended.wait()  # and the connection is cut
            assert len(trickling.asked) == 1

    def test_after_a_call_that_was_cut_the_next_one_has_a_connection_of_its_own(self) -> None:
        heard = threading.Event()
        with TricklingServer() as trickling:
            github = api(trickling.url("").rstrip("/"))

            def names() -> list[str]:
                return [file.name for file in github.pull_request_files(REPOSITORY, 7, token="t", deadline=deadline())]

            def hang(_stream: socket.socket, _asked: Asked) -> bool:
                heard.set()
                trickling.released.wait()
                return False

            trickling.say = said(encoded([{"filename": "a"}]))
            assert names() == names() == ["a"]
            trickling.say = hang
            short = mock.patch.object(github_transport, "CALL_SECONDS", 0.2)
            with short, pytest.raises(PassingError, match="did not answer in time"):
                names()
            assert heard.wait(60)
            trickling.say = said(encoded([{"filename": "b"}]))
            assert names() == ["b"]
            assert [asked.connection for asked in trickling.asked] == [1, 1, 1, 2]

    def test_a_name_that_no_resolver_takes_is_a_lasting_fault(self) -> None:
        with pytest.raises(LastingError, match="GitHub's API cannot be asked for the files of the pull request: it"):
            files(f"https://{'a' * 64}.example")

    def test_what_idled_for_long_is_not_trusted(self) -> None:
        now = 0.0
        with TricklingServer() as trickling:
            trickling.say = said(b"[]")
            transport = GitHubTransport(trickling.url("").rstrip("/"), clock=lambda: now)
            for now in (0.0, 10.0, 20.1):  # noqa: B007 -- the clock reads it
                transport.get("/x", QUESTION, token="t", deadline=deadline())
            assert [asked.connection for asked in trickling.asked] == [1, 1, 2]

    @pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
    def test_an_address_is_a_host_too(self, host: str) -> None:
        with pytest.raises(PassingError, match="cannot be reached"):
            files(f"http://{host}:1")

    def test_a_path_that_looks_like_a_host_is_a_path(self, server: Server) -> None:
        with serving() as elsewhere:
            netloc = urlsplit(server.url).netloc
            server.script.append(
                Answer(status=301, headers={"Location": f"http://{netloc}//{urlsplit(elsewhere.url).netloc}/x\\@y"})
            )
            assert files(server.url) == []
            assert server.paths[1].startswith("/127.0.0.1")
            assert not elsewhere.seen

    def test_proxies_of_the_environment_never_see_the_token(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        assert files(server.url) == []


@contextmanager
def _silent() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
