"""Our mount as the bench sees it."""

import os
from pathlib import Path

from conftest import Mount
from workbench import cpu_seconds, peak_rss


class Ours:
    """A fresh mount for a `with` statement; caches of the program and of the kernel for it are cold.

    peaks: a list that gets (peak resident bytes, budget) in the end.
    """

    def __init__(self, peaks, source, *options):
        self._peaks = peaks
        self._mount = Mount(source, *options)

    def __enter__(self):
        self._mount.__enter__()
        return self

    def __exit__(self, *error):
        if error[0] is None:
            self._peaks.append((peak_rss(self._mount.pid), self._mount.status()["memory"]["budget"]))
        return self._mount.__exit__(*error)

    @property
    def pid(self):
        return self._mount.pid

    @property
    def array(self):
        """Folder of level 0."""
        return self.level(0)

    def level(self, k):
        return next(self._mount.path.glob("*.zarr")) / str(k)

    def _stat(self, *fields):
        """Numbers of proc(5)'s stat, counted from the state, which is 0."""
        values = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return [int(values[i]) for i in fields]

    def cpu(self):
        """Seconds so far: of all threads, in user and in system mode. The last two to a hundredth."""
        user, system = self._stat(11, 12)
        tick = os.sysconf("SC_CLK_TCK")
        return cpu_seconds(self.pid), user / tick, system / tick

    def account(self, sample, before=(0, 0, 0)):
        """Adds to a client's sample what the daemon did for it since cpu() was `before`."""
        sample.daemon, *sample.split = (b - a for a, b in zip(before, self.cpu()))
        sample.counts = self.counts()
        return sample

    def rss(self):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise LookupError(f"no VmRSS for {self.pid}")

    def counts(self):
        """Since the mount."""
        status = self._mount.status()
        made = {k: sum(one[k] for one in status["levels"]) for k in ("made", "remade", "joined")}
        done = {k: status[k] for k in ("strips_decoded", "bytes_fetched")}
        return made | done | {"page_faults": self._stat(7)[0]}
