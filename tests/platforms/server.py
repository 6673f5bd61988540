"""A stand-in for a W&B server: HTTPS on 127.0.0.1 with a private CA. It accepts one key."""

import base64
import json
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

KEY = "1111111111111111111111111111111111111111"
REFUSED_KEY = "2222222222222222222222222222222222222222"
USERNAME = "ada"
VIEWER = {
    "id": "VXNlcjox", "entity": "research", "username": USERNAME, "email": "ada@example.com",
    "flags": "{}", "teams": {"edges": [{"node": {"name": "research"}}]},
}


def authorization(key: str) -> str:
    return "Basic " + base64.b64encode(f"api:{key}".encode()).decode()


class Handler(BaseHTTPRequestHandler):
    """Answers the request for the viewer, and remembers the key."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        sent = self.headers.get("Authorization", "")
        self.server.authorizations.append(sent)
        if sent == authorization(KEY):
            self.answer(200, {"data": {"viewer": VIEWER}})
        else:
            self.answer(401, {"errors": [{"message": "invalid API key"}]})

    def answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Prints nothing."""


class Server(ThreadingHTTPServer):
    """Serves on a free port until it is closed. `certificate` is the file of the CA."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        self.certificate, identity = make_certificates(folder)
        self.authorizations: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(identity)
        # The handshake runs in the thread of the connection.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust the certificate breaks the handshake off."""

    def close(self) -> None:
        self.shutdown()
        self.server_close()


def make_certificates(folder: Path) -> tuple[Path, Path]:
    """A throw-away CA, and a certificate of 127.0.0.1 with its key, which the CA has signed."""
    ca, ca_key = folder / "ca.pem", folder / "ca.key"
    request, certificate, key = folder / "server.csr", folder / "server.pem", folder / "server.key"
    names = folder / "names.txt"
    names.write_text("subjectAltName = IP:127.0.0.1\nextendedKeyUsage = serverAuth\n")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", "-days", "2", "-subj", "/CN=Throw-away CA", *new_key, "-keyout", ca_key, "-out", ca)
    openssl("req", "-new", "-subj", "/CN=127.0.0.1", *new_key, "-keyout", key, "-out", request)
    openssl("x509", "-req", "-days", "2", "-in", request, "-CA", ca, "-CAkey", ca_key,
            "-CAcreateserial", "-extfile", names, "-out", certificate)
    identity = folder / "identity.pem"
    identity.write_bytes(certificate.read_bytes() + key.read_bytes())
    return ca, identity


def openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
