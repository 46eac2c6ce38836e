"""Google as a deployment meets it: Secret Manager over TLS, and the metadata server that gives its tokens.

`python -m bench.google --roots FILE --secret PROJECT/SECRET=FILE`: the certificates to trust are written to FILE.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import grpc

from tests.standins.certificates import Authority
from tests.standins.google.metadata import Metadata
from tests.standins.process import serve_until_told
from tests.standins.secret_manager import SecretManager


def main() -> None:
    """Serve until standard input is closed."""
    parser = argparse.ArgumentParser(prog="python -m bench.google", description=__doc__)
    parser.add_argument("--roots", type=Path, required=True)
    parser.add_argument("--secret", action="append", default=[], metavar="PROJECT/SECRET=FILE")
    given = parser.parse_args()
    authority = Authority()
    given.roots.write_text(authority.pem)
    pair = authority.server()
    with (
        SecretManager(tls=grpc.ssl_server_credentials([(pair.key, pair.certificate)])) as manager,
        Metadata() as metadata,
    ):
        for text in given.secret:
            name, _, file = text.partition("=")
            project, _, secret = name.partition("/")
            manager.add(project, secret, Path(file).read_bytes())
        serve_until_told(host=manager.host, environment=metadata.environment)


if __name__ == "__main__":
    main()
