"""Identity tokens (OIDC) as Google's push subscriptions carry, signed with a key of our own."""

from __future__ import annotations

import base64
import json
import secrets
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.standins.certificates import rsa_key

TOKEN_SECONDS = 3600
KEY_ID = "standin"


class Issuer:
    """Makes tokens in Google's name, which `public_key_pem` verifies (RS256, key id `standin`)."""

    @property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa_key("Google")

    @property
    def public_key_pem(self) -> str:
        """The public key."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self._key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()

    def token(self, audience: str, account: str, seconds: int = TOKEN_SECONDS) -> str:
        """A token of a service account for an audience, good for an hour, if nothing else is said."""
        now = int(time.time())
        claims = {
            "iss": "https://accounts.google.com",
            "aud": audience,
            "azp": "100000000000000000000",
            "sub": "100000000000000000000",
            "email": account,
            "email_verified": True,
            "iat": now,
            "exp": now + seconds,
            "jti": secrets.token_hex(8),
        }
        header = {"alg": "RS256", "kid": KEY_ID, "typ": "JWT"}
        signed = ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
        return f"{signed}.{_encoded(self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
