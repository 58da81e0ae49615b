"""nginx/nginx.conf on free local ports for the tests: only addresses and file places are exchanged."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CONF = Path(__file__).resolve().parents[2] / "nginx" / "nginx.conf"


def write_certificate(folder: Path) -> None:
    """A self-signed pair for localhost, valid for an hour."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(pem))
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "privkey.pem").write_bytes(key.private_bytes(pem, pkcs8, plain))


def write_conf(folder: Path, *, api: int, http: int, https: int) -> Path:
    """Raises AssertionError where the file no longer says what is exchanged here."""
    text = CONF.read_text("utf-8")
    exchanges = {
        "api:8000": f"127.0.0.1:{api}",
        "listen 80 ": f"listen 127.0.0.1:{http} ",
        "listen 443 ": f"listen 127.0.0.1:{https} ",
        "        listen [::]:80 default_server;\n": "",
        "        listen [::]:443 ssl http2 default_server;\n": "",
        "/etc/nginx/tls/": f"{folder}/",
        "pid /run/nginx.pid;": f"pid {folder}/nginx.pid; daemon off;",
        "/dev/stdout": f"{folder}/access.log",
        "    server_tokens off;": "    server_tokens off;\n" + _temporary_paths(folder),
    }
    for old, new in exchanges.items():
        assert old in text, old
        text = text.replace(old, new)
    target = folder / "nginx.conf"
    target.write_text(text, "utf-8")
    return target


def _temporary_paths(folder: Path) -> str:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return "".join(f"    {kind}_temp_path {folder}/{kind};\n" for kind in kinds)
