"""What the tests of a real mount share: the program, the test data, and mounts that clean up.

Environment: NGFFUSE_BIN (default build/release/ngffuse), NGFFUSE_SHARED (default ../shared),
NGFFUSE_REQUIRE_FUSE=1 turns skips for want of FUSE into failures.
"""

import contextlib
import gc
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NGFFUSE = Path(os.environ.get("NGFFUSE_BIN", ROOT / "build/release/ngffuse")).absolute()
SHARED = Path(os.environ.get("NGFFUSE_SHARED", ROOT.parent / "shared")).absolute()

# The background of a shell without job control ignores it, and the programs that tests interrupt would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

READY_SECONDS = 60
END_SECONDS = 30
BUSY_SECONDS = 3


class MountFailed(Exception):
    """The program ended before its mount answered; .code and .log say how."""

    def __init__(self, code, log):
        super().__init__(f"ngffuse ended with {code} before the mount answered:\n{log}")
        self.code = code
        self.log = log


class Mount:
    """A mount in the foreground, for a `with` statement, which yields the Mount.

    m.path: Path of the mount point. m.log: what the program said so far. m.status(): the live
    counters. At the end `ngffuse -u` unmounts, and that and the program must both exit with 0.
    under: words of a command that runs the program in its own place, as setpriv and nice do.
    """

    def __init__(self, source, *args, mountpoint=None, env=None, under=()):
        self.under = under
        self.args = [str(a) for a in args]
        self.source = str(source)
        self.env = {**os.environ, **(env or {})}
        self._given = mountpoint
        self._top = None
        self._process = None
        self._final_log = ""
        self._detached = False
        self.path = None

    def __enter__(self):
        require_fuse()
        self._top = tempfile.mkdtemp(prefix="ngffuse-test-")
        self.path = Path(self._given or os.path.join(self._top, "mnt"))
        self.path.mkdir(exist_ok=True)
        try:
            with open(os.path.join(self._top, "log"), "wb") as log:
                self._process = subprocess.Popen(
                    [*self.under, NGFFUSE, "-f", *self.args, self.source, self.path],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env,
                )
            self._wait_until_it_answers()
        except BaseException:
            self._abandon()
            raise
        return self

    def __exit__(self, kind, value, trace):
        try:
            self._unmount()
        except BaseException:
            self._abandon()
            if kind is None:
                raise
        else:
            self._tidy()
        return False

    @property
    def pid(self):
        return self._process.pid

    @property
    def log(self):
        if self._top is None:
            return self._final_log
        return Path(self._top, "log").read_text(errors="replace")

    def status(self):
        return json.loads((self.path / ".ngffuse" / "status.json").read_text())

    def _wait_until_it_answers(self):
        end = time.monotonic() + READY_SECONDS
        while not os.path.ismount(self.path):
            if self._process.poll() is not None:
                raise MountFailed(self._process.returncode, self.log)
            if time.monotonic() > end:
                raise TimeoutError(f"no mount after {READY_SECONDS} s:\n{self.log}")
            time.sleep(0.005)
        os.listdir(self.path)

    def wait(self):
        """For a mount that somebody else has detached: the program's exit code, once it ends."""
        self._detached = True
        return self._process.wait(END_SECONDS)

    def _unmount(self):
        if self._detached:
            return
        end = time.monotonic() + BUSY_SECONDS
        while True:
            done = subprocess.run(
                [NGFFUSE, "-u", self.path], stdin=subprocess.DEVNULL, capture_output=True,
                text=True, timeout=END_SECONDS,
            )
            if "is busy" not in done.stderr or time.monotonic() > end:
                break
            # A library's thread that was reading when another one failed has its file open still.
            gc.collect()
            time.sleep(0.05)
        assert done.returncode == 0, f"ngffuse -u: {done.returncode}: {done.stderr}\n{self.log}"
        code = self._process.wait(END_SECONDS)
        assert code == 0, f"ngffuse ended with {code}:\n{self.log}"

    def _abandon(self):
        """After trouble: leaves neither this mount nor this process behind."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
        for command in (["fusermount3", "-u", "-z", "-q"], ["umount", "-l"]):
            if shutil.which(command[0]) and _is_mounted(self.path):
                subprocess.run([*command, self.path], capture_output=True, check=False)
        self._tidy()

    def _tidy(self):
        self._final_log = self.log
        if not _is_mounted(self.path):
            shutil.rmtree(self._top, ignore_errors=True)
        self._top = None


def _is_mounted(path):
    """By the kernel's table: a mount whose program has died cannot be stat'ed."""
    if path is None:
        return False
    name = str(path).replace("\\", "\\134").replace(" ", "\\040")
    with open("/proc/self/mounts") as table:
        return any(line.split(" ")[1] == name for line in table)


def require_fuse():
    """Skips where this machine has no FUSE; fails where one was promised."""
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as e:
        reason = f"no FUSE here: /dev/fuse: {e.strerror}"
        if os.environ.get("NGFFUSE_REQUIRE_FUSE") == "1":
            pytest.fail(reason)
        pytest.skip(reason)


def pytest_configure(config):
    config.addinivalue_line("markers", "fuse: needs /dev/fuse")


def pytest_runtest_setup(item):
    if item.get_closest_marker("fuse"):
        require_fuse()


def pytest_report_header(config):
    return [f"ngffuse: {NGFFUSE}", f"shared: {SHARED}{'' if SHARED.is_dir() else ' (not here)'}"]


@pytest.fixture(scope="session")
def ngffuse():
    """Path of the program."""
    if not os.access(NGFFUSE, os.X_OK):
        pytest.fail(f"{NGFFUSE} is not built: ./setup deps && cmake --preset release && "
                    "cmake --build --preset release, or set NGFFUSE_BIN")
    return NGFFUSE


@pytest.fixture(scope="session")
def run(ngffuse):
    """run(*args): the program to its end; text, never a shell."""

    def run_ngffuse(*args, timeout=120, **kwargs):
        return subprocess.run(
            [ngffuse, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True,
            text=kwargs.pop("text", True), timeout=timeout, check=False, **kwargs,
        )

    return run_ngffuse


@pytest.fixture(scope="session")
def shared():
    """Folder of the real stacks and schemas, which do not ship with the sources."""
    if not SHARED.is_dir():
        pytest.skip(f"no test data at {SHARED} (NGFFUSE_SHARED)")
    return SHARED


@pytest.fixture
def mount(ngffuse):
    """mount(source, *args) -> a started Mount, which ends with the test. As a context manager
    by itself use `with mount.within(source, *args) as m:`."""
    with contextlib.ExitStack() as stack:

        def start(source, *args, **kwargs):
            return stack.enter_context(Mount(source, *args, **kwargs))

        start.within = Mount
        yield start
