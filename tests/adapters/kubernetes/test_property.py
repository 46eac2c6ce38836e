"""Whatever the cluster does, however often a delivery comes: once the cluster is well, exactly the wanted objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.common.ports import Work
from functions.common.values import Outcome, Status
from functions.outcomes.naming import stamp
from functions.settings import Redelivery
from tests.adapters.kubernetes.support import NAMESPACE, Side, config_map, pipeline_run, work
from tests.standins.apiserver import ApiServer
from tests.standins.faults import Fault

WORKS = (
    work(pipeline_run(), config_map(), pipeline_run(name="deploy"), trigger="a"),
    work(pipeline_run(), trigger="b", service_account="deployer"),
)
WANTED = sorted(
    (item.resources[position]["kind"], str(stamp(item, position)["metadata"]["name"]))  # type: ignore[index,call-overload]  # our own manifests
    for item in WORKS
    for position in range(len(item.resources))
)

FAULTS = st.builds(
    Fault,
    action=st.sampled_from(["answer", "answer", "reset", "lose", "garbage", "recode"]),
    status=st.sampled_from([400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504]),
    method=st.sampled_from(["", "GET", "POST"]),
    kind=st.sampled_from(["", "PipelineRun", "ConfigMap"]),
    skip=st.integers(0, 3),
    times=st.one_of(st.none(), st.integers(1, 4)),
    every=st.integers(1, 3),
)
EVENTS = st.lists(
    st.one_of(
        FAULTS,
        st.sampled_from(["deliver", "deliver elsewhere", "clear", "rotate", "revoke", "refuse", "accept", "drop"]),
    ),
    max_size=12,
)


@dataclass
class World:
    """A cluster, two instances of the function and what became of each delivery."""

    server: ApiServer
    redelivery: Redelivery
    tokens: int = 0
    refusing: bool = False
    outcomes: list[Outcome] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sides = [Side(self.server, redelivery=self.redelivery) for _ in range(2)]

    def happen(self, event: Fault | str) -> None:
        """Let one thing happen."""
        if isinstance(event, Fault):
            self.server.faults.add(event)
            return
        happenings: dict[str, Callable[[], object]] = {
            "deliver": self.deliver,
            "deliver elsewhere": lambda: self.deliver(self.sides[1]),
            "clear": self.server.faults.clear,
            "rotate": self.rotate,
            "revoke": self.server.revoke_token,
            "refuse": self.refuse,
            "accept": self.accept,
            "drop": self.server.drop_connections,
        }
        happenings[event]()

    def deliver(self, side: Side | None = None) -> list[Outcome]:
        found = (side or self.sides[0]).accept(*WORKS)
        self.outcomes += found
        return found

    def rotate(self) -> None:
        self.tokens += 1
        self.server.rotate_token(f"token-{self.tokens}")

    def refuse(self) -> None:
        if not self.refusing:
            self.server.refuse()
        self.refusing = True

    def accept(self) -> None:
        if self.refusing:
            self.server.accept()
        self.refusing = False

    def recover(self) -> None:
        """Make the cluster well."""
        self.accept()
        self.server.faults.clear()
        self.rotate()

    def names(self) -> list[tuple[str, str]]:
        return sorted((found["kind"], found["metadata"]["name"]) for found in self.server.objects(namespace=NAMESPACE))


@settings(max_examples=40, deadline=None)
@given(events=EVENTS, redelivery=st.sampled_from(Redelivery))
def test_any_sequence_of_faults_and_redeliveries_ends_with_exactly_the_wanted_objects(
    events: list[Fault | str], redelivery: Redelivery
) -> None:
    with ApiServer() as server:
        world = World(server, redelivery)
        for event in events:
            world.happen(event)
            assert set(world.names()) <= set(WANTED)
        world.recover()
        found = world.deliver()
        assert {outcome.status for outcome in found} <= {Status.CREATED, Status.DUPLICATE}
        assert world.names() == WANTED
        assert all(_exist(outcome, world) for outcome in world.outcomes)
        assert [outcome.status for outcome in world.deliver(world.sides[1])] == [Status.DUPLICATE] * len(WORKS)


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(st.sampled_from(["deliver", "elsewhere", "finish", "lose", "fail"]), max_size=10))
def test_a_rerun_starts_only_when_the_delivery_has_no_run_that_goes_on(steps: list[str]) -> None:
    item: Work = work(pipeline_run(), config_map())
    expected, running = 0, False
    with ApiServer() as server:
        sides = [Side(server, redelivery=Redelivery.RERUN) for _ in range(2)]
        for step in steps:
            if step == "finish":
                for run in server.objects("PipelineRun"):
                    server.finish("PipelineRun", NAMESPACE, run["metadata"]["name"])
                running = False
            elif step == "lose":
                server.faults.add(Fault(action="lose", method="POST", kind="PipelineRun", times=1))
            elif step == "fail":
                server.faults.add(Fault(status=503, times=2))
            else:
                expected += not running
                running = True
                sides[step == "elsewhere"].one(item)
            assert len(server.objects("PipelineRun")) == len(server.objects("ConfigMap")) == expected


def _exist(outcome: Outcome, world: World) -> bool:
    return {(ref.kind, ref.name) for ref in outcome.resources} <= set(world.names())
