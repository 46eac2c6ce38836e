"""Who asks, and what they may do: tokens, client certificates, impersonation, and RBAC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.standins.kubernetes.starting import Stage
from tests.standins.kubernetes.statuses import StatusError, unauthorized

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tests.standins.exchange import Request

SERVICE_ACCOUNT_PREFIX = "system:serviceaccount:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is allowed: verbs on resources (`pods`, `pipelineruns/status`) of API groups; "*" is any."""

    verbs: tuple[str, ...] = ("*",)
    groups: tuple[str, ...] = ("*",)
    resources: tuple[str, ...] = ("*",)
    namespaces: tuple[str, ...] = ("*",)
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user of the cluster; `rules` None: whatever the server allows to users without rules of their own."""

    name: str
    groups: tuple[str, ...] = ()
    rules: tuple[Rule, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What somebody wants to do, as the authorizer of an API server sees it."""

    verb: str
    group: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""


ANONYMOUS = User(name="system:anonymous", groups=("system:unauthenticated",), rules=())


class Access:
    """Authentication and authorization.

    `stored_rules` gives the rules that stored (Cluster)RoleBindings grant to a user in a namespace. With
    `rbac`, users without rules of their own have these alone; without it they may do everything.
    """

    def __init__(
        self, tokens: Mapping[str, User], *, rbac: bool, stored_rules: Callable[[User, str], Iterable[Rule]]
    ) -> None:
        self.tokens = dict(tokens)
        self.stage = Stage.READY
        self._rbac = rbac
        self._stored_rules = stored_rules

    def authenticate(self, request: Request) -> User:
        """Say who asks; 401 for a token that is not known."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            user = self.tokens.get(token.strip())
            if user is None:
                raise unauthorized()
            return user
        if request.subject is not None:
            name, group = request.subject
            return self.known(name, groups=(group,) if group else ())
        return ANONYMOUS

    def known(self, name: str, *, groups: tuple[str, ...] = ()) -> User:
        """The configured user of that name, or one without rules of its own."""
        for user in self.tokens.values():
            if user.name == name:
                return user
        return User(name=name, groups=groups)

    def impersonate(self, user: User, request: Request) -> User:
        """Become the user that `Impersonate-User` names, if there is one and it is allowed."""
        wanted = request.headers.get("impersonate-user", "")
        if not wanted:
            return user
        attempt = Attempt(verb="impersonate", resource="users", name=wanted)
        parts = wanted.removeprefix(SERVICE_ACCOUNT_PREFIX).split(":")
        if wanted.startswith(SERVICE_ACCOUNT_PREFIX) and len(parts) == 2:
            attempt = Attempt(verb="impersonate", resource="serviceaccounts", namespace=parts[0], name=parts[1])
        self.check(user, attempt, named=True)
        return self.known(wanted, groups=tuple(filter(None, [request.headers.get("impersonate-group")])))

    def check(self, user: User, attempt: Attempt, *, named: bool) -> None:
        """Refuse with 403 what is not allowed; `named`: the path names the object, so the message does too."""
        if not self.allows(user, attempt):
            raise forbidden(user, attempt, named=named, why=self.stage.why)

    def check_path(self, user: User, path: str) -> None:
        """Refuse paths that are no resources to those who have not said who they are, and to all in the beginning."""
        public = path in ("/healthz", "/livez", "/readyz", "/version")
        if self.stage is Stage.NO_RBAC or (user is ANONYMOUS and not public):
            raise StatusError(403, f'forbidden: User "{user.name}" cannot get path "{path}"', details={})

    def allows(self, user: User, attempt: Attempt) -> bool:
        """Say whether a user may do something, as far as it is known at this stage."""
        if not self.stage.allows(attempt):
            return False
        if user.rules is None and not self._rbac:
            return True
        if any(_covers(rule, attempt) for rule in user.rules or ()):
            return True
        return self._rbac and any(_covers(rule, attempt) for rule in self._stored_rules(user, attempt.namespace))


def forbidden(user: User, attempt: Attempt, *, named: bool, why: str = "") -> StatusError:
    """403 in the words of apiserver's responsewriters; `why` is what the authorizer says."""
    resource = (
        f"{attempt.resource.partition('/')[0]}.{attempt.group}"
        if attempt.group
        else (attempt.resource.partition("/")[0])
    )
    name = f' "{attempt.name}"' if named and attempt.name else ""
    where = f'in the namespace "{attempt.namespace}"' if attempt.namespace else "at the cluster scope"
    details: dict[str, Any] = {"name": attempt.name} if name else {}
    if attempt.group:
        details["group"] = attempt.group
    details["kind"] = attempt.resource.partition("/")[0]
    return StatusError(
        403,
        f'{resource}{name} is forbidden: User "{user.name}" cannot {attempt.verb} resource '
        f'"{attempt.resource}" in API group "{attempt.group}" {where}{f": {why}" if why else ""}',
        details=details,
    )


def rules_from(role: Mapping[str, Any], *, namespace: str) -> list[Rule]:
    """The rules of a stored Role or ClusterRole, for one namespace or ("*") all."""
    return [
        Rule(
            verbs=tuple(rule.get("verbs") or ()),
            groups=tuple(rule.get("apiGroups") or ()),
            resources=tuple(rule.get("resources") or ()),
            namespaces=(namespace,),
            names=tuple(rule.get("resourceNames") or ()),
        )
        for rule in role.get("rules") or ()
    ]


def is_subject(user: User, subject: Mapping[str, Any]) -> bool:
    """Say whether a binding's subject is this user."""
    match subject.get("kind"):
        case "ServiceAccount":
            return user.name == f"{SERVICE_ACCOUNT_PREFIX}{subject.get('namespace')}:{subject.get('name')}"
        case "User":
            return user.name == subject.get("name")
        case "Group":
            return subject.get("name") in (*user.groups, "system:authenticated")
    return False


def _covers(rule: Rule, attempt: Attempt) -> bool:
    return (
        _in(attempt.verb, rule.verbs)
        and _in(attempt.group, rule.groups)
        and _in(attempt.resource, rule.resources)
        and _in(attempt.namespace, rule.namespaces)
        and (not rule.names or attempt.name in rule.names)
    )


def _in(value: str, allowed: tuple[str, ...]) -> bool:
    return "*" in allowed or value in allowed
