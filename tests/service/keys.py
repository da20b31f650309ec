"""Key material made while the tests run, tokens signed with it (well or badly), and a server that publishes keys."""

from __future__ import annotations

import base64
import functools
import hmac
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
CURVES: dict[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}


@functools.cache
def ec_key(name: str, curve: str = "P-384") -> ec.EllipticCurvePrivateKey:
    """A key pair; the same name gives the same pair within a run."""
    return ec.generate_private_key(CURVES[curve])


@functools.cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key pair; the same name gives the same pair within a run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def pem(key: PrivateKey) -> str:
    """The private key as a site keeps it in a file."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def public_pem(key: PrivateKey) -> bytes:
    """The public key as text: what a key-confusion attack uses as its secret."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def jwk(key: PrivateKey, key_id: str, **more: Any) -> dict[str, Any]:
    """The public key as an entry of a key set."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        members = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        members = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**members, "kid": key_id, "use": "sig", **more}


def encoded(content: Any) -> str:
    """Base64url of bytes, of a text, or of JSON."""
    raw = (
        content
        if isinstance(content, bytes)
        else content.encode()
        if isinstance(content, str)
        else json.dumps(content).encode()
    )
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def signed(key: PrivateKey, claims: Any, key_id: str = "one", algorithm: str = "ES384", **header: Any) -> str:
    """A token signed as asked; a header member given as None is left out. `claims` may be JSON text."""
    members = {"alg": algorithm, "kid": key_id, "typ": "JWT", **header}
    head = {name: value for name, value in members.items() if value is not None}
    signing = f"{encoded(head)}.{encoded(claims)}"
    signature = jwt.get_algorithm_by_name(algorithm).sign(signing.encode(), key)
    return f"{signing}.{encoded(signature)}"


def unsigned(claims: Any, algorithm: str = "none", signature: str = "") -> str:
    """A token with a signature of one's own choice."""
    return f"{encoded({'alg': algorithm, 'kid': 'one', 'typ': 'JWT'})}.{encoded(claims)}.{signature}"


def symmetric(secret: bytes, claims: Any, algorithm: str = "HS256", key_id: str = "one") -> str:
    """A token with a keyed digest; PyJWT refuses to make one with a public key, so it is made by hand."""
    signing = f"{encoded({'alg': algorithm, 'kid': key_id, 'typ': 'JWT'})}.{encoded(claims)}"
    return f"{signing}.{encoded(hmac.digest(secret, signing.encode(), 'sha' + algorithm[2:]))}"


@dataclass
class KeyServer:
    """`content`: the key set that is served. `asked`: how often. `status`, `headers`, `body`: to misbehave."""

    address: str
    content: Mapping[str, Any] = field(default_factory=dict)
    asked: int = 0
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    wait: threading.Event | None = None
    pause: float = 0.0  # seconds after each byte of the body


@contextmanager
def serving_keys(*keys: Mapping[str, Any]) -> Iterator[KeyServer]:
    """A real server of a key set on this machine."""
    server: KeyServer

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked += 1
            if server.wait is not None:
                server.wait.wait(10)
            body = server.body if server.body is not None else json.dumps(server.content).encode()
            self.send_response(server.status)
            for name, value in {"Content-Length": str(len(body)), **server.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for part in [body] if not server.pause else [body[n : n + 1] for n in range(len(body))]:
                    self.wfile.write(part)
                    time.sleep(server.pause)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    server = KeyServer(f"http://127.0.0.1:{httpd.server_address[1]}/keys", {"keys": list(keys)})
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()
