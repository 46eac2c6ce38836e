"""The ports of the pure core: what it needs from outside, as protocols that the adapters fulfil."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from threading import Lock
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from functions.common.errors import ExhaustedError, PassingError
from functions.common.lenient import text_at
from functions.common.values import Headers, Json, Outcome, SecretRef


class Deadline(Struct, frozen=True):
    """The end of the time that one delivery has; `clock` is monotonic and in seconds, as `expires`."""

    expires: float
    clock: Callable[[], float]
    patient: bool = True
    """Whether it pays to wait for somebody who asks for time: not where what is not taken at once goes to a queue."""

    def remaining(self) -> float:
        """Return the seconds left, never less than zero."""
        return max(0.0, self.expires - self.clock())

    def require(self, what: str) -> float:
        """Return the seconds left. Raises ExhaustedError, naming `what`, when none are."""
        left = self.expires - self.clock()
        if left <= 0:
            raise ExhaustedError(f"no time was left to {what}")
        return left

    def part(self, parts: int) -> Deadline:
        """Return the end of the first of so many equal parts of what is left."""
        return replace(self, expires=self.clock() + self.remaining() / parts)

    @contextmanager
    def holding(self, lock: Lock, what: str, late: str) -> Iterator[None]:
        """Hold a lock. Raises as `require`, and PassingError with the text `late` when it is not had in time."""
        if not lock.acquire(timeout=self.require(what)):
            raise PassingError(late)
        try:
            yield
        finally:
            lock.release()


class Memory(Protocol):
    """The process's memory, of which each delivery takes what it will need before it makes use of it."""

    def take(self, size: int, *, verified: bool) -> None:
        """Take `size` bytes until the delivery ends; a delivery that nobody has verified is given less.

        Raises LimitError when one delivery is never given as much, and ExhaustedError when others have it now.
        """

    def give_back(self, size: int) -> None:
        """Give back bytes that were taken and are not needed any more."""

    def making(self, size: int, *, verified: bool) -> AbstractContextManager[None]:
        """Take `size` bytes, and have a turn while they are filled: small deliveries go first.

        For work that other threads cannot interrupt. Raises as `take`.
        """


class Secrets(Protocol):
    """Where the values behind secretRefs come from."""

    def accepted(self, ref: SecretRef, deadline: Deadline) -> tuple[bytes, ...]:
        """Return every value that is accepted now, newest first, none of them empty.

        Raises VerificationSetupError when there is none (the reason names the secret) and PassingError when the
        source cannot be asked now.
        """

    def renewed(self, ref: SecretRef, deadline: Deadline) -> tuple[bytes, ...] | None:
        """Return the values read anew, after none of `accepted` matched, or None when they are as fresh as may be."""

    def require_all(self, ref: SecretRef, deadline: Deadline) -> None:
        """Raise PassingError, after none of `renewed` matched either, where others may be accepted as well."""


class Reply(Struct, frozen=True):
    """What another server answered."""

    status: int
    headers: Headers
    body: bytes


class Outbound(Protocol):
    """Calls to hosts that manifests name: https to public addresses, or the hosts in OUTBOUND_HOSTS."""

    def post(self, url: str, *, body: bytes, headers: Headers, seconds: float, ca_pem: str = "") -> Reply:
        """POST and return the answer, whatever its status; redirects are answers, too, and not followed.

        `seconds` is for all of it, and `ca_pem` the only trust where it is given. Raises LastingError when `url` may
        never be called or its answer never be taken, and PassingError when it does not answer now.
        """


class ChangedFile(Struct, frozen=True):
    """A file that a change touches."""

    name: str
    previous: str = ""
    """Its name before, when it was renamed."""


class Comparison(Struct, frozen=True):
    """What is in a commit since it parted from another one."""

    status: str
    """`ahead`, `behind`, `diverged` or `identical`."""
    files: tuple[ChangedFile, ...]
    whole: bool
    """Whether all files are there."""


def head_of(pull_request: Mapping[str, Json]) -> str:
    """Return the commit that a pull request would merge, empty when it says none."""
    return text_at(pull_request, "head", "sha")


class GitHubApi(Protocol):
    """The questions that the github interceptor asks of GitHub's API. `token` may be empty for public data.

    All raise PassingError for rate limits and outages, TokenRefusedError when GitHub does not know the token, and
    LastingError, naming the permission, when the token does not suffice. Lists are read page by page while they are
    iterated, so errors come then, too.
    """

    def pull_request_files(
        self, repository: str, number: int, *, token: str, deadline: Deadline
    ) -> Iterable[ChangedFile]:
        """Return the files that a pull request of `owner/name` changes, all pages."""

    def compared(self, repository: str, base: str, head: str, *, token: str, deadline: Deadline) -> Comparison | None:
        """Compare a commit or branch of `owner/name` with another one; None when GitHub has nothing to compare."""

    def is_member(self, organization: str, login: str, *, token: str, deadline: Deadline) -> bool:
        """Say whether somebody is a member of an organization, as far as the token may see; never of a user."""

    def is_collaborator(self, repository: str, login: str, *, token: str, deadline: Deadline) -> bool:
        """Say whether somebody is a collaborator of `owner/name`."""

    def pull_request(self, repository: str, number: int, *, token: str, deadline: Deadline) -> Mapping[str, Json]:
        """Return a pull request of `owner/name` as it is now."""

    def failed_contexts(self, repository: str, sha: str, *, token: str, deadline: Deadline) -> Sequence[str]:
        """Return the names of the statuses and check runs of a commit of `owner/name` that failed, each once."""

    def head(self, repository: str, number: int, *, token: str, deadline: Deadline) -> str:
        """Return the commit that a pull request of `owner/name` has now, empty when it is not open."""

    def file(self, repository: str, path: str, *, token: str, deadline: Deadline) -> str | None:
        """Return the text of a file on the default branch of `owner/name`, None when there is none."""


class GitHubIdentity(Protocol):
    """Who we are at GitHub (or GitLab, Bitbucket) for one repository."""

    def token(
        self,
        repository: str,
        installation: int,
        permissions: Mapping[str, str],
        *,
        deadline: Deadline,
        renew: bool = False,
    ) -> str:
        """Return a token for `owner/name`: an App's has these permissions (`{"statuses": "write"}`) and no others.

        `installation` is the App's, 0 when it is not known. `renew`: the last one was refused. Raises PassingError and
        LastingError.
        """


class Services(Struct, frozen=True):
    """Everything that interceptors may ask."""

    secrets: Secrets
    outbound: Outbound
    github: GitHubApi
    identity: GitHubIdentity | None = None
    """Who we are at GitHub ourselves, for interceptors without a secretRef of their own."""


class Origin(Struct, frozen=True):
    """By what GitHub can be asked about a delivery. Its body, and so the repository, is verified; the rest is not."""

    repository: str
    """`owner/name`, as the body has it."""
    hook: str
    """X-GitHub-Hook-ID."""
    guid: str
    signature: str
    """X-Hub-Signature-256: right for the body, so it stands for it."""


class Redeliveries(Protocol):
    """Who knows whether deliveries were sent again by GitHub, and not by somebody who has captured them."""

    def doubt(self, origin: Origin, *, runs: int, deadline: Deadline) -> str:
        """Return why a delivery may not run `runs` times more than once, empty when it may. Raises nothing."""


class Work(Struct, frozen=True):
    """One trigger's rendered resources, ready to be created: all that creating needs, and all that a queue carries."""

    trigger: str
    """The trigger's name, which may be empty."""
    trigger_namespace: str
    identity: str
    """What tells this trigger from every other of its listener, stable from delivery to delivery."""
    listener: str
    listener_namespace: str
    event_id: str
    key: str
    """The delivery key, in hexadecimal."""
    uid: str
    """What `$(uid)` became."""
    service_account: str
    resources: tuple[Mapping[str, Json], ...]
    verified: bool
    places: tuple[str, ...] = ()
    """What tells each resource from the others of its template, in whatever order they stand there; the event has no
    part in it. Empty where nothing does, as in messages of old: then their positions do."""
    clusters: tuple[str, ...] = ()
    """The name of each resource's cluster, empty for the default one; without any, all go there."""
    grouped: bool = False
    """Some of its resources are of a concurrency group, and marked as such."""
    settles: bool = False
    """What it creates exists already: what is left to do is what its groups ask for."""

    def cluster(self, position: int) -> str:
        """Return the name of a resource's cluster, empty for the default one."""
        return self.clusters[position] if self.clusters else ""


class SignedWork(Work, frozen=True, kw_only=True):
    """A work of a delivery that GitHub has signed. No queue carries the origin: its worker never runs one again."""

    origin: Origin


class Sink(Protocol):
    """Where rendered resources go: the cluster, the queue or both."""

    def accept(self, work: Sequence[Work], deadline: Deadline) -> list[Outcome]:
        """Create (or queue) all and return one outcome for each, in order. Raises nothing of the family."""
