"""nginx/nginx.conf on free local ports for the tests: only addresses and file places are exchanged."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CONF = Path(__file__).resolve().parents[2] / "nginx" / "nginx.conf"
UPSTREAM = "        server api:8000 max_fails=3 fail_timeout=2s;\n"


def write_certificate(folder: Path) -> Path:
    """A pair for localhost, valid for a day, and the authority that signed it, whose file is returned."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _authority(authority_key)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    certificate = (
        _builder("localhost", key.public_key(), issuer=authority.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(authority.public_bytes(pem))
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(pem))
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "privkey.pem").write_bytes(key.private_bytes(pem, pkcs8, plain))
    return folder / "ca.pem"


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """With all that Python 3.13's strict verification asks for."""
    may_sign = dict.fromkeys(
        (
            *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
            *("key_agreement", "encipher_only", "decipher_only"),
        ),
        False,
    )
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        _builder("authority of the tests", key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **may_sign), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )


def _builder(
    name: str, key: ec.EllipticCurvePublicKey, *, issuer: x509.Name | None = None
) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(issuer or subject, subject, key, x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
    )


def write_conf(folder: Path, *, apis: Sequence[int], http: int, https: int) -> Path:
    """Raises AssertionError where the file no longer says what is exchanged here."""
    exchanges = {
        UPSTREAM: "".join(UPSTREAM.replace("api:8000", f"127.0.0.1:{port}") for port in apis),
        "listen 80 ": f"listen 127.0.0.1:{http} ",
        "listen 443 ": f"listen 127.0.0.1:{https} ",
        "        listen [::]:80 default_server;\n": "",
        "        listen [::]:443 ssl http2 default_server;\n": "",
        "/etc/nginx/tls/": f"{folder}/",
        "/var/cache/nginx": f"{folder}/cache",
        "pid /run/nginx.pid;": f"pid {folder}/nginx.pid; daemon off;",
        "/dev/stdout": f"{folder}/access.log",
        "    server_tokens off;": "    server_tokens off;\n" + _temporary_paths(folder),
    }
    target = folder / "nginx.conf"
    target.write_text(exchanged(CONF, exchanges), "utf-8")
    return target


def exchanged(file: Path, exchanges: dict[str, str]) -> str:
    text = file.read_text("utf-8")
    for old, new in exchanges.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def _temporary_paths(folder: Path) -> str:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return "".join(f"    {kind}_temp_path {folder}/{kind};\n" for kind in kinds)
