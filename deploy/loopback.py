"""The topology of compose.yaml on loopback, without containers.

Three servers, PostgreSQL, Redis and nginx (or HAProxy):

    python deploy/loopback.py [--nodes N] [--port PORT] [--balancer nginx|haproxy]

It needs the programs postgres, redis-server, openssl and nginx or haproxy, and talkbot-tui
installed with the extras postgres and redis in the Python that runs it. Everything lies in a
folder of its own and is gone at the end (Ctrl+C). What the balancer is given is nginx.conf or
haproxy.cfg of this folder with other addresses, so that what runs here is what is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
WAIT_SECONDS = 60.0
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
"""nginx's folders, which a package puts where only root may write."""


class Missing(RuntimeError):
    """A program is not there, or did not start; the text says which and what it said."""


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def program(name: str, *folders: str) -> str:
    """Where it is; some lie off the path of users."""
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: int(one.parts[4]))
    places = [os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", *map(str, newest[::-1])]
    found = shutil.which(name, path=os.pathsep.join([*folders, *places]))
    if found is None:
        raise Missing(f"{name} is not installed")
    return found


class Topology:
    """Everything that runs; `start` it, `stop` it.

    Attributes:
        url: where clients connect: the balancer, over TLS. trusted: its certificate.
        nodes: the servers' processes. ports: theirs.
    """

    def __init__(
        self,
        *,
        nodes: int = 3,
        port: int = 0,
        balancer: str = "nginx",
        sticky: bool = True,
        options: Sequence[str] = (),
    ) -> None:
        """sticky: whether one client's connections go to one server. options: of `serve`."""
        # Servers of the balancer and the database are other users; they must get there.
        self.folder = Path(tempfile.mkdtemp(prefix="talkbot-loopback-"))
        self.folder.chmod(0o711)
        self.balancer = balancer
        self.sticky = sticky
        self.options = tuple(options)
        self.port = port or free_port()
        self.ports = [free_port() for _ in range(nodes)]
        self.nodes: list[subprocess.Popen[bytes]] = []
        self.others: dict[str, subprocess.Popen[bytes]] = {}
        self.secrets = {
            name: secrets.token_hex(32)
            for name in ("talkbot_secret", "postgres_password", "redis_password")
        }
        self._postgres_port, self._redis_port = free_port(), free_port()

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def trusted(self) -> Path:
        """The balancer's certificate, for clients to trust."""
        return self.folder / "tls_cert"

    @property
    def database(self) -> str:
        """The address of the database, with its password."""
        password = self.secrets["postgres_password"]
        return f"postgresql://talkbot:{password}@127.0.0.1:{self._postgres_port}/postgres"

    def start(self) -> None:
        """Start all of it; raises `Missing`."""
        for name, value in self.secrets.items():
            path = self.folder / name
            path.write_text(value)
            path.chmod(0o600)
        self._certificate()
        self._start_postgres()
        self._start_redis()
        for number in range(len(self.ports)):
            self.nodes.append(self.start_node(number))
        for number in range(len(self.ports)):
            self.wait_for_node(number)
        self._start_balancer()

    def stop(self) -> None:
        """End all of it and take its files away; may be called twice."""
        for process in self.nodes:
            _end(process, signal.SIGTERM)
        for process in reversed(self.others.values()):
            _end(process, signal.SIGINT)
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- the servers --------------------------------------------------------------------------

    def start_node(self, number: int) -> subprocess.Popen[bytes]:
        """Start a server on its port; it is ready when `wait_for_node` returns."""
        environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {
            "LANG": "C.UTF-8",
            "TALKBOT_DATABASE_URL": self.database.replace(
                f":{self.secrets['postgres_password']}@", "@"
            ),
            "TALKBOT_DATABASE_PASSWORD_FILE": str(self.folder / "postgres_password"),
            "TALKBOT_REDIS_URL": f"redis://127.0.0.1:{self._redis_port}",
            "TALKBOT_REDIS_PASSWORD_FILE": str(self.folder / "redis_password"),
            "TALKBOT_SECRET_FILE": str(self.folder / "talkbot_secret"),
            "TALKBOT_TRUSTED_PROXIES": "127.0.0.1",
        }
        data = self.folder / f"node{number + 1}"
        command = [sys.executable, "-m", "talkbot_tui", "serve", "--port", str(self.ports[number])]
        return self._run(
            f"node{number + 1}", [*command, "--data-dir", str(data), *self.options], environ
        )

    def wait_for_node(self, number: int) -> None:
        """Until it takes connections; raises `Missing`."""
        self._until(lambda: _listens(self.ports[number]), f"node{number + 1}", self.nodes[number])

    def restart_node(self, number: int, how: signal.Signals = signal.SIGTERM) -> float:
        """End a server and start it again; the seconds that ending took."""
        seconds = self.end_node(number, how)
        self.nodes[number] = self.start_node(number)
        self.wait_for_node(number)
        return seconds

    def end_node(self, number: int, how: signal.Signals = signal.SIGTERM) -> float:
        """End a server; the seconds that it took."""
        began = time.monotonic()
        self.nodes[number].send_signal(how)
        self.nodes[number].wait(WAIT_SECONDS)
        return time.monotonic() - began

    # --- what is around them --------------------------------------------------------------------

    def _certificate(self) -> None:
        self._do(
            program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
            "-keyout", str(self.folder / "tls_key"), "-out", str(self.trusted),
        )  # fmt: skip
        both = self.trusted.read_bytes() + (self.folder / "tls_key").read_bytes()
        (self.folder / "tls.pem").write_bytes(both)

    def _start_postgres(self) -> None:
        data = self.folder / "postgres"
        data.mkdir(mode=0o700)
        ward: list[str] = []
        password = self.folder / "postgres_password_for_initdb"
        password.write_text(self.secrets["postgres_password"])
        if os.getuid() == 0:
            # It refuses to run as root.
            shutil.chown(data, "postgres", "postgres")
            shutil.chown(password, "postgres", "postgres")
            ward = [
                program("setpriv"), "--reuid=postgres", "--regid=postgres", "--clear-groups",
                "--pdeathsig=INT",
            ]  # fmt: skip
        self._do(
            *ward, program("initdb"), "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8",
            "--username=talkbot", "--auth=scram-sha-256", f"--pwfile={password}", "-D", str(data),
        )  # fmt: skip
        password.unlink()
        listening = [
            "-c", f"port={self._postgres_port}", "-c", "listen_addresses=127.0.0.1",
            "-c", f"unix_socket_directories={data}",
        ]  # fmt: skip
        self._around("postgres", [*ward, program("postgres"), "-D", str(data), *listening])
        ready = [program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self._postgres_port)]
        self._until(lambda: subprocess.run(ready, check=False).returncode == 0, "postgres")

    def _start_redis(self) -> None:
        settings = self.folder / "redis.conf"
        settings.write_text(
            f'port {self._redis_port}\nbind 127.0.0.1\nsave ""\nappendonly no\n'
            f"dir {self.folder}\nrequirepass {self.secrets['redis_password']}\n"
        )
        settings.chmod(0o600)
        self._around("redis", [program("redis-server"), str(settings)])
        self._until(lambda: _listens(self._redis_port), "redis")

    def rebalance(self, *, sticky: bool) -> None:
        """Let nginx keep clients on one server from now on, or move them at each request."""
        self.sticky = sticky
        self._nginx()
        self.others["nginx"].send_signal(signal.SIGHUP)

    def _start_balancer(self) -> None:
        if self.balancer == "nginx":
            for name in TEMPORARY:
                (self.folder / f"nginx-{name}").mkdir()
            settings = self._nginx()
            command = [program("nginx"), "-c", str(settings), "-g", "daemon off;"]
        else:
            settings = self._haproxy()
            command = [program("haproxy"), "-db", "-f", str(settings)]
        self._around(self.balancer, command)
        self._until(lambda: _listens(self.port), self.balancer)

    def _nginx(self) -> Path:
        """nginx.conf with the addresses and files of here."""
        own = "".join(f"    {name}_temp_path {self.folder}/nginx-{name};\n" for name in TEMPORARY)
        changes = {
            "worker_processes auto;": f"worker_processes 1;\npid {self.folder}/nginx.pid;",
            "worker_connections 16384;": "worker_connections 1024;",
            "http {\n": f"http {{\n{own}",
            "/dev/stdout": str(self.folder / "access.log"),
            "listen 80;": f"listen 127.0.0.1:{free_port()};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.port} ssl;",
            "/run/secrets/tls_cert": str(self.trusted),
            "/run/secrets/tls_key": str(self.folder / "tls_key"),
        }
        if not self.sticky:
            changes["        hash $route consistent;\n"] = ""
        return self._changed(
            "nginx.conf", changes, "        server node{number}:3000", "        server {place}"
        )

    def _haproxy(self) -> Path:
        changes = {
            "bind :80\n": f"bind 127.0.0.1:{free_port()}\n",
            "bind :443 ssl": f"bind 127.0.0.1:{self.port} ssl",
            "/run/secrets/tls.pem": str(self.folder / "tls.pem"),
            "maxconn 16384": "maxconn 1000",
        }
        if not self.sticky:
            changes["balance hash var(txn.route)\n    hash-type consistent"] = "balance roundrobin"
        return self._changed("haproxy.cfg", changes, " node{number}:3000", " {place}")

    def _changed(self, name: str, changes: dict[str, str], server: str, place: str) -> Path:
        text = (HERE / name).read_text(encoding="utf-8")
        for number, port in enumerate(self.ports, 1):
            changes[server.format(number=number)] = place.format(place=f"127.0.0.1:{port}")
        for old, new in changes.items():
            if old not in text:
                raise Missing(f"{name} has no {old.strip()!r}")
            text = text.replace(old, new)
        lines = [line for line in text.splitlines() if ":3000" not in line]
        path = self.folder / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    # --- processes ----------------------------------------------------------------------------

    def _around(self, name: str, command: list[str]) -> None:
        self.others[name] = self._run(name, command, dict(os.environ))

    def _run(
        self, name: str, command: list[str], environ: dict[str, str]
    ) -> subprocess.Popen[bytes]:
        # Should we be killed, the kernel ends them.
        ward = [program("setpriv"), "--pdeathsig=TERM"] if sys.platform == "linux" else []
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [*ward, *command],
                cwd=self.folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def log(self, name: str) -> str:
        """The end of what a process said."""
        path = self.folder / f"{name}.log"
        return path.read_text(encoding="utf-8", errors="replace")[-3000:] if path.exists() else ""

    def _do(self, *command: str) -> None:
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
        if done.returncode:
            raise Missing(f"{' '.join(command[:3])} failed: {done.stdout}{done.stderr}")

    def _until(
        self,
        condition: Callable[[], bool],
        name: str,
        process: subprocess.Popen[bytes] | None = None,
    ) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        process = process or self.others[name]
        while not condition():
            if process.poll() is not None or time.monotonic() > deadline:
                raise Missing(f"{name} did not start: {self.log(name)}")
            time.sleep(0.05)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _end(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


def main() -> int:
    """Run it until Ctrl+C."""
    parser = argparse.ArgumentParser(
        description="several servers on this machine, behind a balancer"
    )
    parser.add_argument("--nodes", type=int, choices=range(1, 4), default=3)
    parser.add_argument("--port", type=int, default=8443)
    parser.add_argument("--balancer", choices=("nginx", "haproxy"), default="nginx")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    topology = Topology(nodes=asked.nodes, port=asked.port, balancer=asked.balancer)
    try:
        topology.start()
        sys.stdout.write(
            f"ready {topology.url}\n\n"
            f"talkbot-tui login {topology.url} --ca-file {topology.trusted} --user ana --register\n"
        )
        sys.stdout.flush()
        signal.pause()
    except Missing as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        topology.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
