"""`pipehook dev`: the function on this machine, with reload and the inspector page."""

from __future__ import annotations

import threading
from pathlib import Path

import click

from functions.cli.app import Command
from functions.cli.commands.record import Keeper, renumbered, said
from functions.cli.local import Arrival
from functions.cli.manifests import triggers_option
from functions.cli.output import coloured, progress
from functions.cli.sending import post
from functions.cli.serving import Place, local_function, wait_for_end, wsgi_server
from functions.cli.signing import signed_again
from functions.common.errors import PipehookError

_EXAMPLES = """
Examples:
  pipehook dev
  pipehook dev --triggers infra/triggers --port 8080 --inspector-port 8081
  pipehook dev --keep deliveries              keep every delivery as a file, without its secrets
  KUBECONFIG=~/.kube/config pipehook dev      create for real

A credential plugin that KUBECONFIG names is run, as kubectl runs it; the deployed function runs none.
Without KUBECONFIG nothing is created; without SECRETS_SOURCE every secret has a key of this session, which is shown.
The inspector answers on this machine only. A tunnel should lead to --port and nothing else.
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0: any that is free.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the function listens.")
@click.option("--inspector-port", type=click.IntRange(0, 65535), default=8081, show_default=True, help="0: any.")
@triggers_option
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep deliveries in this directory.")
@click.option("--logs", is_flag=True, help="Write the function's log as it is: a JSON line each.")
def dev(*, port: int, host: str, inspector_port: int, triggers: str, keep: Path | None, logs: bool) -> None:
    """Serve the function on this machine, load manifests again when they change, and show every delivery on a page."""
    from functions.cli.inspector.app import inspector  # noqa: PLC0415 -- Flask, for those who serve
    from functions.cli.inspector.store import Store  # noqa: PLC0415 -- as above

    store = Store()
    keeper = Keeper(keep) if keep else None

    def arrived(arrival: Arrival) -> None:
        store.add(arrival)
        kept = f"  {keeper.keep(arrival)}" if keeper else ""
        progress(f"{said(arrival)}{kept}")

    with local_function(triggers, Place(host, port), on_arrival=arrived, raw_logs=logs) as (function, url):
        local = url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 -- read, not bound

        def replay(arrival: Arrival, new: bool) -> str:  # noqa: FBT001 -- the inspector's form
            recorded = arrival.recorded
            if new:
                recorded = signed_again(recorded, renumbered(recorded), function.keys())
            try:
                post(local, recorded)
            except PipehookError as error:
                return error.reason
            return ""

        # the port is chosen first, because the page answers under its own address only
        server = wsgi_server(Place("127.0.0.1", inspector_port), lambda *_: [])
        server.app = inspector(
            store, port=server.server_port, serving=local, replay=replay, mistakes=lambda: function.mistakes
        )
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        progress(f"Serving at {url}")
        progress(f"Inspector: {coloured(f'http://127.0.0.1:{server.server_port}', 'white', bold=True)}")
        try:
            wait_for_end("Ctrl-C ends both.")
        finally:
            server.shutdown()
            server.server_close()
            thread.join(5)
