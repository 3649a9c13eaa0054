# harness.py - starts what a benchmark measures, loads it, and reads what it cost.
# SPDX-License-Identifier: Apache-2.0
"""Everything listens on loopback and on ports that were free; only processes started here are ended,
by their id."""
import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BOUNDARY = "overlapd-bench-boundary"
MULTIPART = "multipart/form-data; boundary=" + BOUNDARY
MIB = 1 << 20


def build(name):
    return os.path.join(ROOT, "build/release", name)


class Process:
    """A process of ours, seen through /proc."""

    def __init__(self, command, **options):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
        self.pid = self.process.pid

    def cpu_s(self):
        with open("/proc/%d/stat" % self.pid, encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_bytes(self, name):
        """VmRSS is what is resident now, VmHWM the most since reset_peak."""
        with open("/proc/%d/status" % self.pid, encoding="ascii") as status:
            return int(re.search(r"%s:\s+(\d+) kB" % name, status.read()).group(1)) * 1024

    def reset_peak(self):
        with open("/proc/%d/clear_refs" % self.pid, "w", encoding="ascii") as clear:
            clear.write("5")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


class Overlapd(Process):
    """overlapd on a free port, ready when the constructor returns."""

    def __init__(self, folder, **settings):
        path = os.path.join(folder, "notify-%d" % time.monotonic_ns())
        environment = dict(os.environ, OVERLAPD_LISTEN_TCP="127.0.0.1:0", NOTIFY_SOCKET=path)
        environment.update({"OVERLAPD_" + k.upper(): str(v) for k, v in settings.items()})
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, \
                open(os.path.join(folder, "overlapd.log"), "ab") as log:
            notify.bind(path)
            notify.settimeout(20)
            super().__init__([build("overlapd")], env=environment, stdout=log, stderr=log)
            try:
                self.address = re.search(r"tcp=(\S+)", notify.recv(4096).decode()).group(1)
            except Exception:
                self.process.kill()
                raise


NGINX = """
daemon off; master_process off; worker_processes 1; pid %(folder)s/nginx.pid;
error_log %(folder)s/nginx-error.log crit;
events { worker_connections 1024; }
http {
    access_log off; keepalive_requests 1000000000; tcp_nodelay on; default_type application/json;
    client_max_body_size 512m; client_body_buffer_size 1m; client_body_in_single_buffer on;
    client_body_temp_path %(folder)s/body; proxy_temp_path %(folder)s/proxy;
    fastcgi_temp_path %(folder)s/fastcgi; uwsgi_temp_path %(folder)s/uwsgi;
    scgi_temp_path %(folder)s/scgi;
    server { listen 127.0.0.1:%(port)d; location / { %(pieces)s return 200 "%(names)s"; } }
}
"""


class Nginx(Process):
    """nginx, one process, that answers everything with the same text."""

    def __init__(self, folder, answer):
        port = free_port()
        path = os.path.join(folder, "nginx.conf")
        pieces = re.findall(r"(?s).{1,2000}", answer)  # nginx takes up to 4 KiB per parameter
        with open(path, "w", encoding="utf-8") as config:
            config.write(NGINX % {
                "folder": folder, "port": port,
                "pieces": " ".join("set $p%d '%s';" % piece for piece in enumerate(pieces)),
                "names": "".join("${p%d}" % n for n in range(len(pieces)))})
        super().__init__(["/usr/sbin/nginx", "-p", folder, "-c", path,
                          "-e", os.path.join(folder, "nginx-error.log")],
                         stderr=subprocess.DEVNULL)
        self.address = "127.0.0.1:%d" % port
        wait_for(port)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def wrk(address, path, connections, seconds, body=None, wait=True, kind=MULTIPART):
    """Load one address with wrk; the results, or, unless wait, a function that waits for them."""
    environment = dict(os.environ)
    if body:
        environment.update(BODY=body, TYPE=kind)
    process = subprocess.Popen(
        ["wrk", "-t1", "-c%d" % connections, "-d%ds" % seconds, "--timeout", "60s",
         "-s", os.path.join(ROOT, "bench/post.lua"), "http://%s%s" % (address, path)],
        env=environment, stdout=subprocess.PIPE)

    def result():
        output = process.communicate()[0].decode()
        return json.loads([line for line in output.splitlines() if line.startswith("{")][-1])
    return result() if wait else result


def multipart(path, parts):
    """Write a multipart body of {part name: (file name, bytes)}; its size."""
    with open(path, "wb") as body:
        for name, (filename, data) in parts.items():
            filename = '; filename="%s"' % filename if filename else ""
            head = '--%s\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n'
            body.write((head % (BOUNDARY, name, filename)).encode())
            body.write(data)
            body.write(b"\r\n")
        body.write(("--%s--\r\n" % BOUNDARY).encode())
    return os.path.getsize(path)


def post(address, path, body, kind=MULTIPART):
    """Post a file; status, answer and seconds."""
    host, port = address.rsplit(":", 1)
    begin = time.monotonic()
    with socket.create_connection((host, int(port)), 120) as connection, open(body, "rb") as file:
        connection.sendall(("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\n"
                            "Content-Length: %d\r\nConnection: close\r\n\r\n" % (
                                path, address, kind, os.path.getsize(body))).encode())
        connection.sendfile(file)
        answer = b""
        while True:
            piece = connection.recv(1 << 16)
            if not piece:
                break
            answer += piece
    head, _, text = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), text, time.monotonic() - begin


def phantom(folder, *arguments):
    """A pair of masks: {part name: (file name, bytes)}."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([build("examples/phantom"), arguments[0], folder, *arguments[1:]], check=True)
    pair = {}
    for filename in sorted(os.listdir(folder)):
        with open(os.path.join(folder, filename), "rb") as file:
            pair[filename.split(".")[0]] = (filename, file.read())
    return pair


def line_of(path, pattern):
    with open(path, encoding="utf-8", errors="replace") as file:
        found = re.search(pattern, file.read())
    return found.group(1).strip() if found else "unknown"


def version_of(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return re.search(r"\d+(\.\d+)+", done.stdout.decode()).group(0)


class OtherLoad:
    """What processes that are not ours took of the machine meanwhile: figures are as good as this is
    low."""

    def __init__(self):
        self.begin = self.now()

    @staticmethod
    def now():
        with open("/proc/stat", encoding="ascii") as stat:
            user, nice, system, idle, wait, *rest = [int(n) for n in stat.readline().split()[1:9]]
        busy = (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")
        return time.monotonic(), busy - sum(os.times()[:4])

    def percent(self):
        elapsed, others = (b - a for a, b in zip(self.begin, self.now()))
        return max(0.0, 100 * others / (elapsed * os.cpu_count()))


def machine():
    """What a reader needs to place the figures."""
    memory_kib = int(line_of("/proc/meminfo", r"MemTotal:\s+(\d+)"))
    return {
        "processor": line_of("/proc/cpuinfo", r"model name\s*:\s*(.*)"),
        "cores": str(os.cpu_count()),
        "memory": "%d GiB" % round(memory_kib / (1 << 20)),
        "system": line_of("/etc/os-release", r'PRETTY_NAME="([^"]*)"'),
        "kernel": ".".join(platform.release().split(".")[:2]),
        "overlapd": version_of(build("overlapd"), "--version"),
    }
