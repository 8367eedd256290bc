"""Requests that wait for slow chunks hold up nobody, and can be killed."""

import errno
import os
import subprocess
import threading
import time

import pytest
from workbench import Readers, before_others, level, picture, slow_stack, wait_for, write_repeated, write_stack

pytestmark = pytest.mark.fuse

KILLED_SECONDS = 1.5
PROMPT_SECONDS = 0.1


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """Some seconds for a chunk that is as deep as the stack."""
    return slow_stack(tmp_path_factory.mktemp("slow") / "s", 64)


@pytest.fixture(scope="module")
def slow_and_quick(tmp_path_factory):
    """Images `slow` and `quick` side by side."""
    top = tmp_path_factory.mktemp("both")
    slow_stack(top / "slow", 64)
    write_stack(top / "quick", picture((4, 600, 600)), rowsperstrip=600)
    return top


def timed(call, *args, **kwargs):
    start = time.monotonic()
    result = call(*args, **kwargs)
    return time.monotonic() - start, result


def ls(folder):
    done = subprocess.run(["ls", folder], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.split()


def still_running(readers):
    return sum(not readers.gone(i) for i in range(len(readers.pids)))


def worst_of_ten(mount, source, codec, shape, pattern):
    """-> the worst `ls` and the worst read of a ready file while 64 readers wait"""
    with mount.within(source, "--codec", codec, "--chunk-shape", shape) as m:
        image = m.path / "slow.zarr"
        quick = m.path / "quick.zarr" / "0/0/0/0"
        folder = (image / pattern.format(i=0)).parent
        names = set(ls(folder))
        truth = quick.read_bytes()
        with Readers([image / pattern.format(i=i) for i in range(64)]) as readers:
            readers.go()
            wait_for("readers wait", lambda: m.status()["parked"] >= 16)
            listings, reads = [], []
            # While their look-ups wait, and then while their opens do.
            for _ in range(10):
                took, seen = timed(ls, folder)
                listings.append(took)
                assert set(seen) == names
                took, seen = timed(quick.read_bytes)
                reads.append(took)
                assert seen == truth
                time.sleep(0.1)
            left = still_running(readers)
    print(f"{codec} {shape}: worst ls {max(listings) * 1000:.0f} ms, worst read of a ready file "
          f"{max(reads) * 1000:.0f} ms, {left} readers still waited at the end")
    assert left > 0, "nobody waited: this showed nothing"
    return max(listings), max(reads)


# One folder with 65 chunks of x; and chunks of pages of their own.
@pytest.mark.parametrize("codec", ["blosc-lz4", "none"])
@pytest.mark.parametrize("shape, pattern", [("64,64,46", "0/0/0/{i}"), ("auto", "0/{i}/0/0")])
def test_64_cold_readers_hold_up_nobody(codec, shape, pattern, slow_and_quick, mount):
    """Where the machine is busy, again with all else behind us."""
    worst = worst_of_ten(mount, slow_and_quick, codec, shape, pattern)
    for _ in range(3):
        if max(worst) < PROMPT_SECONDS:
            break
        with before_others():
            worst = worst_of_ten(mount, slow_and_quick, codec, shape, pattern)
    assert max(worst) < PROMPT_SECONDS


@pytest.mark.parametrize("moment", [0.2, 0.9])
def test_killed_readers_are_gone(moment, slow, mount):
    """The 2nd and the 31st of 32 readers of one chunk, and one that a handled signal reached before. Killed while
    the name is looked up, and while the chunk is opened."""
    with mount.within(slow, "--codec", "blosc-lz4", "--chunk-shape", "64,64,64", "--threads", "1") as m:
        path = m.path / "s.zarr/0/0/20/20"
        victims = (1, 30, 15)
        with Readers([path] * 32, timers={15: (0.1, 0, True)}) as readers:
            readers.go()
            time.sleep(moment)
            assert still_running(readers) == 32
            for i in victims:
                readers.kill(i)
            start = time.monotonic()
            took = []
            for i in victims:
                wait_for("a killed reader", lambda i=i: readers.gone(i), 30)
                took.append(time.monotonic() - start)
            assert still_running(readers) == 29, "the chunk was ready too early: this showed nothing"
            results = readers.wait(but=victims)
            print(f"killed after {moment} s: gone within {max(took) * 1000:.0f} ms; the chunk took "
                  f"{readers.took:.1f} s")
        counts = level(m.status())
        wait_for("nobody waits", lambda: m.status()["parked"] == 0)
    assert max(took) < KILLED_SECONDS
    assert [r["error"] for r in results] == [None] * 29
    assert len({r["digest"] for r in results}) == 1
    assert counts["made"] == 1 and counts["failed"] == 0


def test_work_without_readers_stops(slow, mount):
    """All readers killed: the job ends, and the next reader gets the right bytes."""
    with mount.within(slow, "--codec", "blosc-lz4", "--chunk-shape", "64,64,64", "--threads", "1") as m:
        path = m.path / "s.zarr/0/0/20/20"
        with Readers([path] * 4) as readers:
            readers.go()
            time.sleep(0.9)
            assert still_running(readers) == 4
            for i in range(4):
                readers.kill(i)
            wait_for("killed readers", lambda: still_running(readers) == 0, KILLED_SECONDS)
        took = wait_for("no job", lambda: m.status()["running"] == m.status()["queue"] == 0, 2)
        decoded = m.status()["planes_decoded"]
        print(f"the job ended {took * 1000:.0f} ms after its readers, {decoded} of 64 planes decoded")
        assert decoded < 64
        with Readers([path]) as readers:
            assert readers.go().wait()[0]["error"] is None
        assert level(m.status())["made"] == 1


@pytest.mark.parametrize("restart", [True, False])
def test_signals_interrupt_nobody(restart, slow, mount):
    """Handled signals, once and again and again, in look-up, open and read."""
    with mount.within(slow, "--codec", "blosc-lz4", "--chunk-shape", "64,64,64", "--threads", "1") as m:
        path = m.path / "s.zarr/0/0/3/3"
        timers = {0: (0.2, 0, restart), 1: (0.05, 0.05, restart), 2: (0.7, 0.3, restart)}
        with Readers([path] * 4, timers=timers) as readers:
            results = readers.go().wait()
            print(f"SA_RESTART {restart}: {readers.took:.1f} s, signals seen {[r['signals'] for r in results]}")
    assert readers.took > 0.8, "the chunk was ready too early: this showed nothing"
    assert [r["error"] for r in results] == [None] * 4
    assert all(r["signals"] > 0 for r in results[:3])
    assert len({r["digest"] for r in results}) == 1


def size_by_fstat(path):
    with open(path, "rb") as f:
        return os.fstat(f.fileno()).st_size


WAYS_TO_SIZES = {
    "stat": lambda path: os.stat(path).st_size,
    "fstat": size_by_fstat,
    "wc": lambda path: int(subprocess.run(["wc", "-c", path], capture_output=True, check=True).stdout.split()[0]),
}


@pytest.mark.parametrize("way", WAYS_TO_SIZES)
def test_sizes_of_slow_chunks_are_exact(way, slow, mount):
    """The look-up was answered with a bound meanwhile, which nobody may see."""
    with mount.within(slow, "--codec", "blosc-lz4", "--chunk-shape", "32,64,64", "--threads", "1") as m:
        path = m.path / "s.zarr/0/0/20/20"
        took, size = timed(WAYS_TO_SIZES[way], path)
        data = path.read_bytes()
        print(f"{way}: {size} bytes after {took:.1f} s")
        assert size == len(data) == os.stat(path).st_size
    assert took > 0.6, "the chunk was ready too early: this showed nothing"


class Probe(threading.Thread):
    """Calls something over and over, and keeps the longest time it took."""

    def __init__(self, call):
        super().__init__(daemon=True)
        self.call, self.over = call, threading.Event()
        self.worst, self.times, self.failure = 0, 0, None

    def run(self):
        while not self.over.is_set():
            try:
                took, _ = timed(self.call)
            except BaseException as e:
                self.failure = e
                return
            self.worst = max(self.worst, took)
            self.times += 1
            time.sleep(0.005)

    def end(self):
        self.over.set()
        self.join()
        if self.failure:
            raise self.failure


def test_creating_a_file_stalls_nobody(slow, mount):
    """O_CREAT takes the whole folder, and waits for the look-ups in it."""
    with mount.within(slow, "--codec", "blosc-lz4", "--chunk-shape", "64,64,46", "--threads", "1") as m:
        folder = m.path / "s.zarr/0/0/10"
        names = [folder / str(i) for i in range(64)]
        with Readers(names[:16]) as readers:
            readers.go()
            time.sleep(0.1)
            probes = {"ls": Probe(lambda: os.listdir(folder)),
                      "missing": Probe(lambda: os.path.exists(folder / "no")),
                      "elsewhere": Probe(lambda: os.stat(m.path / "s.zarr/0/.zarray"))}
            for p in probes.values():
                p.start()
            touches = []
            for i in range(4):
                with Readers([names[16 + i]]) as more:
                    more.go()
                    time.sleep(0.05)
                    took, done = timed(subprocess.run, ["touch", folder / f"newname{i}"], capture_output=True,
                                       text=True, env={**os.environ, "LC_ALL": "C"}, check=False)
                    touches.append(took)
                    assert done.returncode != 0 and os.strerror(errno.EROFS) in done.stderr, done.stderr
            for p in probes.values():
                p.end()
            waiting = still_running(readers)
        worst = {name: round(p.worst * 1000) for name, p in probes.items()}
        print(f"touch: worst {max(touches) * 1000:.0f} ms; meanwhile worst, in ms: {worst}; {waiting} readers waited")
        assert waiting == 16, "the chunks were ready too early: this showed nothing"
    assert max(touches) < KILLED_SECONDS
    assert all(p.worst < KILLED_SECONDS and p.times > 0 for p in probes.values())


def test_unmount_while_readers_wait(slow, mount):
    """SIGTERM with everything parked: readers get an error, never zeros, and the program ends with 0."""
    m = mount.within(slow, "--codec", "blosc-lz4", "--chunk-shape", "64,64,64", "--threads", "1")
    with m:
        with Readers([m.path / f"s.zarr/0/0/{i}/0" for i in range(8)]) as readers:
            readers.go()
            time.sleep(0.8)
            assert still_running(readers) == 8
            start = time.monotonic()
            m._process.terminate()
            code = m._process.wait(30)
            took = time.monotonic() - start
            results = readers.wait(10)
        print(f"ended {took:.1f} s after SIGTERM with {code}; readers: {[r['error'] for r in results]}")
        assert code == 0 and took < 5
        assert all(r["error"] is not None for r in results)
        assert not os.path.ismount(m.path)
        m._unmount = lambda: None


@pytest.mark.parametrize("round_", range(3))
def test_readers_that_never_stat_meet_the_end(tmp_path, mount, round_):
    """Where the look-up announced a bound, nobody reads zeros between the end of the chunk and the bound. Chunks
    that are evicted before they are read, so that reads wait and are answered in any order; it takes luck, so thrice."""
    strips = write_repeated(tmp_path / "s", picture((2048, 2048), seed=round_), 32, compression="lzw", rowsperstrip=32)
    with mount.within(strips, "--codec", "blosc-zstd", "--memory", "64M", "--threads", "1") as m:
        paths = [m.path / f"s.zarr/0/0/{y}/{x}" for x in range(8) for y in range(32)]
        with Readers(paths) as readers:
            results = readers.go().wait()
            print(f"{len(paths)} chunks took {readers.took:.1f} s; {level(m.status())}")
        assert level(m.status())["evicted"] > 100, "nothing had to wait: this showed nothing"
        wrong = [(path.parent.name, path.name) for path, result in zip(paths, results)
                 if result["error"] or result["size"] != os.stat(path).st_size]
        assert not wrong
