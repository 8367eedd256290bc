"""A folder as a slow NAS shows it: tests/tools/slow_fs.c, mounted for a `with` statement."""

import contextlib
import json
import os
import subprocess
import tempfile
from pathlib import Path

from conftest import END_SECONDS
from workbench import built_tool, wait_for


class SlowStorage:
    """Shows `source` at .path, a folder of the same name. Milliseconds: of each read, stat and open.
    Goes away in the end, whoever still uses it."""

    def __init__(self, source, read_ms=0, stat_ms=0, open_ms=0):
        self._source = Path(source)
        self._ms = {"read": read_ms, "stat": stat_ms, "open": open_ms}
        self._process = None

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            top = tempfile.mkdtemp(prefix="ngffuse-slow-")
            stack.callback(os.rmdir, top)
            self.path = Path(top, self._source.name)
            self.path.mkdir()
            stack.callback(self.path.rmdir)
            options = [word for kind, ms in self._ms.items() for word in (f"--{kind}-ms", str(ms))]
            self._process = subprocess.Popen([self._program(stack), self._source, self.path, *options],
                                             stdin=subprocess.DEVNULL)
            stack.callback(self._end)
            wait_for("the slow storage", self._mounted)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    @staticmethod
    def _program(stack):
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ngffuse-tool-"))
        pkg = ["pkg-config", "--cflags", "--libs", "fuse3"]
        flags = subprocess.run(pkg, capture_output=True, text=True, check=True).stdout.split()
        return built_tool("slow_fs", folder, "-pthread", *flags)

    def _mounted(self):
        assert self._process.poll() is None, f"slow_fs ended with {self._process.returncode}"
        return os.path.ismount(self.path)

    def _end(self):
        self._process.terminate()
        try:
            code = self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            subprocess.run(["umount", "-l", self.path], capture_output=True, check=False)
            raise
        assert code == 0, f"slow_fs ended with {code}"

    @property
    def pid(self):
        return self._process.pid

    def _tell(self, command):
        (self.path / ".slow_fs").write_text(f"{command}\n")

    def counters(self):
        """Since the mount or reset(): see the head of slow_fs.c."""
        return json.loads((self.path / ".slow_fs").read_text())

    def reset(self):
        self._tell("reset")

    def delay(self, **ms):
        """From now on: delay(read=10, stat=10, open=10)."""
        for kind, value in ms.items():
            self._tell(f"{kind}-ms {value}")

    def settle(self, seconds=0.3):
        """Waits until nobody has asked for anything for so long."""
        def asked():
            return {k: v for k, v in self.counters().items() if k in ("reads", "stats", "opens", "reads_in_flight")}

        with contextlib.suppress(TimeoutError):
            while True:
                before = asked()
                wait_for("a request", lambda before=before: asked() != before, seconds)
