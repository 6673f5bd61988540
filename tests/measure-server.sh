#!/bin/sh
# Measures what a login that asks the server costs: the time to report a refused
# connection, how well a time limit is kept, and requests and bytes per login.
# Nothing is asserted. Needs python3, and strace for the last part.
#
#     tests/measure-server.sh [path of wandb-login]
set -eu
cd "$(dirname "$0")/.."
program=${1:-target/release/wandb-login}
if [ ! -x "$program" ]; then
  cargo build --quiet --release
fi
exec python3 - "$program" <<'PYTHON'
import os, re, shutil, socket, statistics, subprocess, sys, tempfile, threading, time

program = os.path.abspath(sys.argv[1])
KEY = "1" * 40
VIEWER = (b'{"data": {"viewer": {"id": "VXNlcjox", "entity": "ent", "username": "usr", '
          b'"email": "e@x", "flags": "{}", "teams": {"edges": [{"node": {"name": "ent"}}]}}}}')


def login(url, *arguments, prefix=(), **variables):
    """Runs it in a home of its own; how it ended, how long it took, what it said."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"HOME": home, "PATH": os.environ["PATH"], "WANDB_BASE_URL": url, **variables}
        start = time.perf_counter()
        run = subprocess.run([*prefix, program, *arguments, KEY], cwd=home, env=environment,
                             stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return run.returncode, time.perf_counter() - start, run.stderr.splitlines()[-1]


class Server:
    """Counts what arrives and what it sends; silent if it has nothing to say."""

    def __init__(self, answer):
        self.answer, self.requests, self.received, self.sent = answer, 0, 0, 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.socket.accept()
            threading.Thread(target=self.talk, args=(client,), daemon=True).start()

    def talk(self, client):
        data = b""
        while b"\r\n\r\n" not in data:
            data += client.recv(65536)
        head, body = data.split(b"\r\n\r\n", 1)
        length = int(re.search(rb"content-length: (\d+)", head, re.I)[1])
        while len(body) < length:
            body += client.recv(65536)
        self.requests += 1
        self.received += len(head) + 4 + len(body)
        if self.answer is None:
            client.recv(1)
            return
        answer = (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                  % len(self.answer)) + self.answer
        client.sendall(answer)
        self.sent += len(answer)
        client.close()


def told(name, times, more=""):
    times = [time * 1000 for time in times]
    print(f"{name}: median {statistics.median(times):.1f} ms, "
          f"least {min(times):.1f}, most {max(times):.1f}{more}")


with socket.create_server(("127.0.0.1", 0)) as free:
    refusing = "http://127.0.0.1:%d" % free.getsockname()[1]
told("unverified login, for comparison", [login(refusing)[1] for _ in range(15)])
runs = [login(refusing, "--verify") for _ in range(15)]
assert all(run[0] == 1 for run in runs), runs[0]
told("refused connection, told after", [run[1] for run in runs], f"; {runs[0][2]}")

silent = Server(None)
runs = [login(silent.url, "--verify", WANDB_HTTP_TIMEOUT="2") for _ in range(5)]
assert all(run[0] == 1 for run in runs), runs[0]
worst = max(abs(run[1] - 2) / 2 for run in runs)
told("time limit of 2 s, told after", [run[1] for run in runs], f"; off by at most {worst:.1%}")

server = Server(VIEWER)
runs = [login(server.url, "--verify") for _ in range(15)]
assert all(run[0] == 0 for run in runs), runs[0]
told("verified login on the loopback", [run[1] for run in runs])
print(f"verified: {server.requests / 15:g} request of {server.received / 15:g} bytes, "
      f"answer of {server.sent / 15:g} bytes")

before = server.requests
assert login(server.url)[0] == 0
print(f"unverified: {server.requests - before} requests", end="")
if strace := shutil.which("strace"):
    with tempfile.NamedTemporaryFile("r") as trace:
        login(server.url, prefix=(strace, "-f", "-o", trace.name, "-e", "trace=%network"))
        calls = [line for line in trace if "(" in line]
        print(f", {len(calls)} network system calls (strace)")
else:
    print(" (no strace: system calls not counted)")
PYTHON
