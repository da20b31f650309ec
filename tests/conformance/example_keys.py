"""Keys of a CDS client, made for the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

ISSUER = "https://ehr.example.org"
JKU = "https://ehr.example.org/jwks.json"


class Keys:
    """An EC and an RSA key. `files` are pairs of PEM file and kid; `public` holds the public keys by kid."""

    def __init__(self, folder: Path) -> None:
        self.public: dict[str, Any] = {}
        self.public_pem: dict[str, bytes] = {}
        pairs = []
        for kid, key in (
            ("ec-1", ec.generate_private_key(ec.SECP384R1())),
            ("rsa-1", rsa.generate_private_key(65537, 2048)),
        ):
            file = folder / f"{kid}.pem"
            file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            self.public[kid] = key.public_key()
            self.public_pem[kid] = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            pairs.append((str(file), kid))
        self.files: tuple[tuple[str, str], ...] = tuple(pairs)
