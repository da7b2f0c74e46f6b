"""A made-up issuer: its keys, the set that it publishes in a file, and the tokens that it signs."""

import base64
import json
import time
from pathlib import Path

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from jwt.algorithms import RSAAlgorithm

ISSUER = "https://tenant.example.com/"
AUDIENCE = "https://labs.example.com/api"

MISSING = "Authorization header missing"
INVALID = "Invalid token"


def base64url(part: dict | bytes) -> str:
    content = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class Key:
    """A key pair with an id; `algorithm` is RS256 or ES256."""

    def __init__(self, kid: str, algorithm: str = "RS256"):
        self.kid, self.algorithm = kid, algorithm
        if algorithm == "RS256":
            self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            public = json.loads(RSAAlgorithm.to_jwk(self.private.public_key()))
        else:
            self.private = ec.generate_private_key(ec.SECP256R1())
            # PyJWT leaves leading zeros out, which RFC 7518 (section 6.2.1.2) does not allow.
            point = self.private.public_key().public_numbers()
            x, y = (base64url(n.to_bytes(32, "big")) for n in (point.x, point.y))
            public = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
        self.jwk = {**public, "kid": kid, "use": "sig", "alg": algorithm}
        self.jwk.pop("key_ops", None)


class Issuer:
    """Publishes its keys in `directory/jwks.json`, replaced as a whole whenever they change."""

    def __init__(self, directory: Path):
        self.path = directory / "jwks.json"
        self.key = Key("first")
        self.publish(self.key)

    def publish(self, *keys: Key) -> None:
        self.write(json.dumps({"keys": [key.jwk for key in keys]}))

    def write(self, content: str) -> None:
        new = self.path.with_suffix(".new")
        new.write_text(content)
        new.rename(self.path)

    @property
    def settings(self) -> dict[str, str]:
        return {"AUTH_JWKS_URL": f"file:{self.path}", "AUTH_ISSUER": ISSUER, "AUTH_AUDIENCE": AUDIENCE}

    def token(
        self, sub: str | None = "someone", key: Key | None = None, headers: dict | None = None, **claims
    ) -> str:
        """A good token except for the claims given; a claim that is None is left out."""
        key = key or self.key
        said = {"iss": ISSUER, "aud": AUDIENCE, "sub": sub, "exp": int(time.time()) + 600, **claims}
        kept = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(kept, key.private, key.algorithm, {"kid": key.kid, **(headers or {})})

    def signed(self, header: dict, claims: dict) -> str:
        """What jwt itself would refuse to make: any header and claims with a good RS256 signature."""
        body = f"{base64url(header)}.{base64url(claims)}"
        signature = self.key.private.sign(body.encode(), PKCS1v15(), SHA256())
        return f"{body}.{base64url(signature)}"

    def bearer(self, *arguments, **options) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(*arguments, **options)}"}


def ask(
    client: httpx.Client, authorization: str | None = None, path: str = "/api/progress/someone"
) -> httpx.Response:
    """The answer to a call of the progress log with this header."""
    return client.get(path, headers={"Authorization": authorization} if authorization is not None else {})


def refused(answer: httpx.Response, message: str = INVALID) -> bool:
    """Whether it is a 401 with this message that names the scheme."""
    assert (answer.status_code, answer.json()) == (401, {"message": message}), answer.text
    return answer.headers["www-authenticate"] == "Bearer"
