"""Certificates of a test authority, made at start, and RSA keys, which take long to make, once for each owner."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from functools import cache

import trustme
from cryptography.hazmat.primitives.asymmetric import rsa


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """A certificate chain and its private key, PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """A certificate authority for 127.0.0.1 and localhost, and for client certificates."""

    def __init__(self) -> None:
        self._ca = trustme.CA()
        self.pem = self._ca.cert_pem.bytes().decode()

    def server_context(self) -> ssl.SSLContext:
        """TLS for a server that also takes client certificates of this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert("127.0.0.1", "localhost", "::1").configure_cert(context)
        self._ca.configure_trust(context)
        context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def server(self) -> KeyPair:
        """Make a server's certificate, for servers that take no context."""
        issued = self._ca.issue_cert("127.0.0.1", "localhost")
        chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
        return KeyPair(certificate=chain, key=issued.private_key_pem.bytes())

    def client(self, user: str, group: str = "") -> KeyPair:
        """Make a client certificate: Kubernetes reads the user from CN and the group from O."""
        issued = self._ca.issue_cert(
            f"{user.rsplit(':', 1)[-1]}.client.invalid", common_name=user, organization_name=group or None
        )
        chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
        return KeyPair(certificate=chain, key=issued.private_key_pem.bytes())


@cache
def rsa_key(owner: str) -> rsa.RSAPrivateKey:
    """Return an owner's key, the same in all of a process."""
    del owner  # tells the keys apart
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)
