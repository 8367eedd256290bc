"""Mounting, in the background and not, unmounting, and what lies in the way of either."""

import contextlib
import ctypes
import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import Mount
from workbench import (
    chunk_paths, daemon_of, drop_caches, libc, picture, preloaded, wait_for, write_stack,
)

pytestmark = pytest.mark.fuse

VOXELS = picture((3, 120, 100), noise=60000)  # nothing that a codec could save
CHUNK = "s.zarr/0/0/0/0"


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    return write_stack(tmp_path_factory.mktemp("mounting") / "s", VOXELS, rowsperstrip=120)


def mounted(path):
    """By the kernel's table, which also has the dead ones."""
    name = os.fsencode(path).replace(b"\\", b"\\134").replace(b" ", b"\\040")
    with open("/proc/self/mounts", "rb") as table:
        return any(line.split(b" ")[1] == name for line in table)


@pytest.fixture
def point(tmp_path):
    """A mount point that does not exist yet; whatever is left there at the end is cleared."""
    path = tmp_path / "point"
    yield path
    clear(path)


def clear(path):
    pids = daemon_of(path)
    while mounted(path):
        subprocess.run(["umount", "-l", path], check=True)
    for pid in pids:
        with contextlib.suppress(TimeoutError):
            wait_for("the program ends", lambda pid=pid: not alive(pid), 5)
        if alive(pid):
            os.kill(pid, signal.SIGKILL)


def alive(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] != "Z"
    return False


def one_line(done, code=1):
    print(done.stderr.strip())
    assert done.returncode == code, done
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("ngffuse: "), done.stderr
    return done.stderr


def chunk_is_right(path, name=CHUNK):
    """Voxel for voxel, for a raw chunk of the whole stack."""
    array = json.loads((path / name).parents[2].joinpath(".zarray").read_text())
    assert array["compressor"] is None and array["shape"] == list(VOXELS.shape)
    got = np.frombuffer((path / name).read_bytes(), "<u2").reshape(array["chunks"])
    assert (got[tuple(slice(n) for n in VOXELS.shape)] == VOXELS).all()


def ended(pid, path):
    wait_for("unmounted", lambda: not mounted(path))
    wait_for("the program ends", lambda: not alive(pid))


# --- in the background


def test_in_the_background_by_default(stack, run, point):
    done = run(stack, point, timeout=20)
    # At once: nobody waits for anything here.
    listing = os.listdir(point)
    print(done.stdout)
    assert done.returncode == 0 and done.stderr == ""
    assert "s.zarr" in listing
    chunk_is_right(point)
    lines = done.stdout.splitlines()
    assert 5 <= len(lines) <= 12
    for word in ("3 files", "s_0000.tif", "3 x 120 x 100", "uint16", "voxel size", "chunk", "budget", "zarr.open",
                 "napari", "neuroglancer", str(point)):
        assert word in done.stdout
    pid, = daemon_of(point)
    assert os.getsid(pid) == pid
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert {os.readlink(f"/proc/{pid}/fd/{i}") for i in range(3)} == {"/dev/null"}
    assert run("-u", point).returncode == 0
    ended(pid, point)
    wait_for("the folder that it made is removed", lambda: not point.exists())


def test_quiet(stack, run, point):
    done = run("-q", stack, point)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "s.zarr" in os.listdir(point)
    assert run("-u", point).returncode == 0


def test_a_folder_that_was_there_stays(stack, run, point):
    point.mkdir()
    assert run("-q", stack, point).returncode == 0
    pid, = daemon_of(point)
    assert run("-u", point).returncode == 0
    ended(pid, point)
    time.sleep(0.1)
    assert point.is_dir() and os.listdir(point) == []


def test_lines_to_paste_work(stack, run, point):
    zarr = pytest.importorskip("zarr")
    assert zarr
    done = run("--codec", "blosc-zstd", stack, point)
    line = next(l for l in done.stdout.splitlines() if "import zarr" in l)
    code = line[line.index("import zarr"):]
    seen = {}
    exec(code, seen)
    assert (seen["a"][:] == VOXELS).all()
    del seen
    assert run("-u", point).returncode == 0


def test_in_the_foreground(stack, ngffuse, point):
    process = subprocess.Popen([ngffuse, "-f", stack, point], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for("mounted", lambda: mounted(point))
    assert "s.zarr" in os.listdir(point)
    assert process.poll() is None
    process.terminate()
    out, err = process.communicate(timeout=10)
    assert process.returncode == 0 and err == b"" and 5 <= len(out.splitlines()) <= 12
    assert not mounted(point) and not point.exists()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("foreground", [True, False])
def test_signals_end_it(how, foreground, stack, ngffuse, run, point):
    """Also while a file is open in it."""
    if foreground:
        process = subprocess.Popen([ngffuse, "-fq", stack, point])
        wait_for("mounted", lambda: mounted(point))
        os.listdir(point)
        pid = process.pid
    else:
        assert run("-q", stack, point).returncode == 0
        pid, = daemon_of(point)
    with open(point / CHUNK, "rb") as f:
        f.read(10)
        os.kill(pid, how)
        if foreground:
            assert process.wait(10) == 0
        ended(pid, point)
    wait_for("the folder is removed", lambda: not point.exists())


@pytest.mark.parametrize("foreground", [False, True])
def test_exit_with_parent(foreground, stack, ngffuse, point):
    """A worker that is killed takes its mount along, with whatever was open; one without the option does not."""
    how = "-f" if foreground else "-q"
    with subprocess.Popen(["sh", "-c", f'"$0" {how} --codec none --exit-with-parent "$1" "$2" & exec sleep 100',
                           ngffuse, stack, point], start_new_session=True) as worker:
        wait_for("mounted", lambda: mounted(point) and daemon_of(point))
        chunk_is_right(point)
        pid, = daemon_of(point) if foreground else daemon_of(point)[-1:]
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    ended(pid, point)
    wait_for("the folder that it made is removed", lambda: not point.exists())


def test_syslog_in_the_background(run, point, tmp_path):
    """Problems go to the system's log, with the file's name. Where nobody listens there, the test does."""
    log = Path("/dev/log")
    if log.exists():
        pytest.skip("a system log listens at /dev/log")
    bad = write_stack(tmp_path / "bad", VOXELS, rowsperstrip=120)
    data = bytearray((bad / "s_0001.tif").read_bytes())
    (bad / "s_0001.tif").write_bytes(data[:len(data) // 2])
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        try:
            listener.bind(str(log))
        except OSError as e:
            pytest.skip(f"cannot listen at /dev/log: {e.strerror}")
        try:
            listener.settimeout(10)
            assert run("-q", bad, point).returncode == 0
            with pytest.raises(OSError):
                (point / "bad.zarr/0/0/0/0").read_bytes()
            lines = [listener.recv(4096).decode()]
            while "s_0001.tif" not in lines[-1]:
                lines.append(listener.recv(4096).decode())
            print(lines[-1])
            assert "ngffuse[" in lines[-1]
            assert run("-u", point).returncode == 0
        finally:
            log.unlink()


def test_a_signal_that_was_ignored_by_the_parent(stack, ngffuse, point):
    """nohup and some shells ignore signals for what they start in the background."""
    ignore = lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)
    process = subprocess.Popen([ngffuse, "-fq", stack, point], preexec_fn=ignore)
    wait_for("mounted", lambda: mounted(point))
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0 and not mounted(point)


def test_inherited_descriptors_are_let_go(stack, ngffuse, point):
    """A pipe that the caller had open would else never end."""
    read_end, write_end = os.pipe()
    done = subprocess.run([ngffuse, stack, point], pass_fds=[write_end], capture_output=True, timeout=20, check=True)
    os.close(write_end)
    os.set_blocking(read_end, False)
    assert os.read(read_end, 1) == b"", "the program in the background holds a pipe of its caller"
    os.close(read_end)
    assert done.stdout
    assert subprocess.run([ngffuse, "-u", point], check=False).returncode == 0


@pytest.mark.parametrize("closed", ["<&- >&- 2>&-", ">&- 2>&-", "<&- >&-", "2>&-"])
def test_closed_standard_streams(closed, stack, ngffuse, run, point):
    """What the scan opens does not take their place."""
    done = subprocess.run(["sh", "-c", f'exec "$0" -q --codec none "$1" "$2" {closed}', ngffuse, stack, point],
                          check=False)
    assert done.returncode == 0
    chunk_is_right(point)
    assert run("-u", point).returncode == 0


def test_auto_unmount(stack, run, point):
    """A mount whose program is killed goes away by itself."""
    if not os.path.exists("/etc/mtab"):
        pytest.skip("no /etc/mtab, where fusermount3 looks")
    done = run("-q", "-o", "auto_unmount", stack, point)
    if done.returncode != 0:
        pytest.skip(f"no auto_unmount here: {done.stderr.strip()}")
    chunk_is_right(point)
    pid, = daemon_of(point)
    os.kill(pid, signal.SIGKILL)
    wait_for("unmounted", lambda: not mounted(point))


def test_two_mounts_of_one_source(stack, run, point, tmp_path):
    other = tmp_path / "other"
    try:
        assert run("-q", stack, point).returncode == run("-q", stack, other).returncode == 0
        assert (point / CHUNK).read_bytes() == (other / CHUNK).read_bytes()
        assert run("-u", other).returncode == 0
        assert (point / CHUNK).read_bytes()
    finally:
        clear(other)


def test_notify_socket(stack, ngffuse, point, tmp_path):
    """As a service manager would be told; the root can be read by then."""
    for name in (str(tmp_path / "notify"), "@ngffuse-test-%d" % os.getpid()):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(name.replace("@", "\0", 1) if name[0] == "@" else name)
            s.settimeout(20)
            process = subprocess.Popen([ngffuse, "-fq", stack, point], env={**os.environ, "NOTIFY_SOCKET": name})
            said = s.recv(4096).decode()
            assert "READY=1" in said.splitlines() and f"MAINPID={process.pid}" in said.splitlines()
            start = time.monotonic()
            assert "s.zarr" in os.listdir(point) and time.monotonic() - start < 0.5
            process.terminate()
            assert "STOPPING=1" in s.recv(4096).decode()
            assert process.wait(10) == 0


def test_notify_socket_in_the_background(stack, ngffuse, point, tmp_path):
    name = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(name)
        s.settimeout(20)
        subprocess.run([ngffuse, "-q", stack, point], env={**os.environ, "NOTIFY_SOCKET": name}, check=True)
        pid, = daemon_of(point)
        assert f"MAINPID={pid}" in s.recv(4096).decode()


def test_killed_before_it_is_ready(stack, ngffuse, point, tmp_path):
    """The program looks at its own mount. Killed while it owes itself that answer it ends all the same, and the
    dead mount can be cleared; a preloaded library plays it."""
    library = preloaded("killed_answering", tmp_path, ngffuse)
    program = subprocess.Popen([ngffuse, "-f", "-q", stack, point], env={**os.environ, "LD_PRELOAD": str(library)})
    try:
        assert program.wait(10) == -signal.SIGKILL
    finally:
        if program.returncode is None:
            # By force: nobody else can answer.
            subprocess.run(["umount", "-f", point], stderr=subprocess.DEVNULL, check=False)
            program.wait(10)
    assert subprocess.run([ngffuse, "-u", point], timeout=10, check=False).returncode == 0
    assert not mounted(point)


# --- what lies in the way


def test_a_file_is_no_mount_point(stack, run, tmp_path):
    (tmp_path / "file").write_text("mine")
    said = one_line(run(stack, tmp_path / "file"))
    assert "is a file" in said
    assert (tmp_path / "file").read_text() == "mine"


def test_a_filled_folder_is_no_mount_point(stack, run, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / ".hidden").write_text("mine")
    assert "not empty" in one_line(run(stack, tmp_path / "full"))
    assert not mounted(tmp_path / "full")


def test_no_folder_above_the_mount_point(stack, run, tmp_path):
    assert "does not exist" in one_line(run(stack, tmp_path / "a" / "b"))
    assert not (tmp_path / "a").exists()


def test_a_dangling_link_is_no_mount_point(stack, run, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    assert "link" in one_line(run(stack, tmp_path / "link"))


def test_a_live_mount_is_no_mount_point(stack, run, point):
    assert run("-q", stack, point).returncode == 0
    said = one_line(run("-q", stack, point))
    assert f"-u {point}" in said and str(stack) in said
    chunk_is_right(point)
    assert run("-u", point).returncode == 0


def test_a_dead_mount_is_refused_and_cleared(stack, run, point):
    assert run("-q", stack, point).returncode == 0
    pid, = daemon_of(point)
    os.kill(pid, signal.SIGKILL)
    wait_for("dead", lambda: not alive(pid))
    with pytest.raises(OSError) as e:
        os.listdir(point)
    assert e.value.errno in (errno.ENOTCONN, errno.ECONNABORTED)  # a request that was under way: aborted
    said = one_line(run(stack, point))
    assert "dead" in said and f"ngffuse -u {point}" in said
    assert "dead" in one_line(run("status", point))
    cure = run("-u", point)
    assert (cure.returncode, cure.stderr) == (0, "")
    assert not mounted(point)
    assert run("-q", stack, point).returncode == 0
    chunk_is_right(point)
    assert run("-u", point).returncode == 0


def test_below_a_dead_mount(stack, run, point):
    """The advice names the mount, not the path that was given."""
    assert run("-q", stack, point).returncode == 0
    pid, = daemon_of(point)
    os.kill(pid, signal.SIGKILL)
    wait_for("dead", lambda: not alive(pid))
    assert one_line(run(stack, point / "x")).rstrip().endswith(f"ngffuse -u {point} clears it")
    assert "dead mount" in one_line(run("info", point))
    assert run("-u", point).returncode == 0


def test_subtype_stays(stack, run, point):
    assert run("-q", "-o", "subtype=other", stack, point).returncode == 0
    assert run("-u", point).returncode == 0
    assert not mounted(point)


def test_the_name_that_the_folder_has(stack, ngffuse, run, tmp_path):
    """`.` in a folder NAME.zarr, and a link to it, are that name."""
    point = tmp_path / "brain.zarr"
    point.mkdir()
    (tmp_path / "link").symlink_to(point)
    try:
        for there, name in ((point, "."), (tmp_path, "link")):
            subprocess.run([ngffuse, "-q", stack, name], cwd=there, check=True)
            assert (point / ".zattrs").exists()
            assert run("-u", point).returncode == 0
    finally:
        clear(point)


def test_a_stopped_program_does_not_keep_its_mount(stack, run, point):
    """It lives and says nothing; unmounting does not ask it."""
    assert run("-q", stack, point).returncode == 0
    pid, = daemon_of(point)
    os.kill(pid, signal.SIGSTOP)
    try:
        assert run("-u", point, timeout=10).returncode == 0
        assert not mounted(point)
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for("the program's end", lambda: not alive(pid))


def test_a_dead_mount_with_an_open_file_is_cleared(stack, run, point):
    assert run("-q", stack, point).returncode == 0
    pid, = daemon_of(point)
    with open(point / CHUNK, "rb"):
        os.kill(pid, signal.SIGKILL)
        wait_for("dead", lambda: not alive(pid))
        assert run("-u", point).returncode == 0
        assert not mounted(point)


def test_a_busy_mount_is_not_torn_away(stack, run, point):
    assert run("-q", stack, point).returncode == 0
    pid, = daemon_of(point)
    with open(point / CHUNK, "rb") as f:
        said = one_line(run("-u", point))
        assert "busy" in said and "fuser" in said
        assert len(f.read()) > 0
    assert run("-u", point).returncode == 0
    ended(pid, point)


def test_no_device(stack, ngffuse, tmp_path):
    """As somebody who may not open /dev/fuse, and has no fusermount3 that helps."""
    if os.geteuid() != 0 or os.stat("/dev/fuse").st_mode & 0o006:
        pytest.skip("everybody may open /dev/fuse here")
    top = Path("/tmp") / f"ngffuse-nobody-{os.getpid()}"
    top.mkdir()
    try:
        shutil.copy(ngffuse, top / "ngffuse")
        shutil.copytree(stack, top / "s")
        os.chmod(top / "ngffuse", 0o755)
        os.chown(top, 65534, 65534)
        done = subprocess.run([top / "ngffuse", top / "s", top / "m"], capture_output=True, text=True, cwd="/",
                              user=65534, group=65534, extra_groups=[], timeout=20, check=False)
        said = one_line(done)
        assert "/dev/fuse" in said or "fusermount3" in said
        assert not (top / "m").exists()
    finally:
        shutil.rmtree(top)


# --- mount(8)


@pytest.fixture
def mount_8(ngffuse, tmp_path):
    """mount_8(arguments, then): runs mount(8) and then a script of the shell, with the program where mount(8)
    looks for it, and all of that in a namespace of its own. It clears PATH, so that only the usual folders count."""
    if os.geteuid() != 0 or not (shutil.which("mount.fuse3") or shutil.which("mount.fuse")):
        pytest.skip("needs root and mount.fuse3 (package fuse3)")
    (tmp_path / "bin").mkdir()
    shutil.copy(ngffuse, tmp_path / "bin" / "ngffuse")

    def run_script(arguments, point, then):
        script = """
            mount --bind "$1" /usr/local/bin || exit 77
            point=$2 then=$3; shift 3
            trap 'umount -l "$point" 2>/dev/null' EXIT
            mount "$@" || exit
            cd / && eval "$then" && umount "$point"
        """
        done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", tmp_path / "bin", point, then, *arguments],
                              capture_output=True, text=True, timeout=30, check=False)
        print(done.stdout, done.stderr)
        if done.returncode == 77 or "unshare" in done.stderr:
            pytest.skip(f"no namespace of mounts here: {done.stderr}")
        return done

    return run_script


def test_mount_8(stack, mount_8, point):
    words = ("defaults,nofail,_netdev,noatime,x-systemd.automount,allow_other,codec=zlib,voxel-size=4:4:40,"
             "chunk-shape=2\\,64\\,64,unit=nm")
    point.mkdir()
    done = mount_8(["-t", "fuse.ngffuse", "-o", words, stack, point], point,
                   'ls "$point"; cat "$point"/s.zarr/0/.zarray "$point"/s.zarr/.zattrs; echo; grep "$point" /proc/self/mounts')
    assert done.returncode == 0, done
    assert '"zlib"' in done.stdout and "nanometer" in done.stdout and "64" in done.stdout
    line = next(l for l in done.stdout.splitlines() if " fuse.ngffuse " in l)
    source, target, kind, options, *_ = line.split()
    assert (source, target, kind) == (str(stack), str(point), "fuse.ngffuse")
    assert {"ro", "allow_other"} <= set(options.split(","))
    wait_for("the program ends", lambda: not daemon_of(point))


def test_fstab(stack, mount_8, tmp_path, point):
    spaced = tmp_path / "a source"
    shutil.copytree(stack, spaced)
    point.mkdir()
    (tmp_path / "fstab").write_text(f"{str(spaced).replace(' ', chr(92) + '040')} {point} fuse.ngffuse "
                                    "ro,allow_other,nofail,_netdev,noauto,x-systemd.automount,"
                                    "x-systemd.idle-timeout=0,name=brain 0 0\n")
    done = mount_8(["-T", tmp_path / "fstab", point], point, 'ls "$point"')
    assert done.returncode == 0 and "brain.zarr" in done.stdout
    wait_for("the program ends", lambda: not daemon_of(point))


def test_mount_8_refuses_an_unknown_word(stack, mount_8, point):
    point.mkdir()
    done = mount_8(["-t", "fuse.ngffuse", "-o", "codex=zlib", stack, point], point, "true")
    assert done.returncode == 2 and "codex" in done.stderr and "codec" in done.stderr


def test_others_may_look_where_the_modes_let_them(stack, run, point):
    if os.geteuid() != 0:
        pytest.skip("needs root, to be somebody else")
    look = lambda: subprocess.run(["ls", point], user=65534, group=65534, extra_groups=[], capture_output=True,
                                  text=True, cwd="/", check=False)
    for folder in [point.parent, *point.parent.parents]:
        if folder.stat().st_mode & 0o011 != 0o011:
            folder.chmod(folder.stat().st_mode | 0o011)
    assert run("-q", "-o", "allow_other", stack, point).returncode == 0
    seen = look()
    # pytest's own folder, which the source is in, is another matter: only the mode of the source counts.
    if stack.stat().st_mode & 0o004:
        assert "s.zarr" in seen.stdout, seen
    assert run("-u", point).returncode == 0
    assert run("-q", stack, point).returncode == 0
    assert look().returncode != 0
    assert run("-u", point).returncode == 0


@pytest.mark.parametrize("words", [["-f"], []])
def test_a_descriptor_as_mount_point(words, stack, ngffuse, point):
    """As a parent with more rights does it: it mounts, the program serves."""
    fd = os.open("/dev/fuse", os.O_RDWR)
    point.mkdir()
    MS_RDONLY, MS_NOSUID, MS_NODEV = 1, 2, 4
    data = f"fd={fd},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}".encode()
    if libc.mount(b"stack", os.fsencode(point), b"fuse.ngffuse", MS_RDONLY | MS_NOSUID | MS_NODEV, data) != 0:
        os.close(fd)
        pytest.skip(f"may not mount: {os.strerror(ctypes.get_errno())}")
    process = subprocess.Popen([ngffuse, stack, f"/dev/fd/{fd}", *words], pass_fds=[fd], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    os.close(fd)
    try:
        if not words:
            assert process.wait(10) == 0
        assert "s.zarr" in os.listdir(point)
        chunk_is_right(point)
        assert process.poll() == (None if words else 0)
    finally:
        subprocess.run(["umount", point], check=False)
    if words:
        assert process.wait(10) == 0
    out, err = process.communicate(timeout=10)
    print(out.decode())
    # Where it lies is not known to the program: what is to be pasted must not pretend so.
    assert err == b"" and b"/dev/fd" not in out


# --- names


@pytest.mark.parametrize("name", ["with space", "with,comma", "with, both", "schön µm 脳", "a\\b", "tab\there", "-dash",
                                  "quote'\"s", "a=b", "100%", "info", "#hash"])
def test_odd_names(name, stack, ngffuse, tmp_path):
    """Of the source and of the mount point, absolute and relative."""
    source, point = tmp_path / name, tmp_path / f"m {name}"
    shutil.copytree(stack, source)
    for given, target in ((source, point), (f"./{name}", f"./m {name}")):
        done = subprocess.run([ngffuse, given, target], capture_output=True, text=True, cwd=tmp_path, timeout=20,
                              check=False)
        try:
            assert done.returncode == 0, done
            images = [n for n in os.listdir(point) if n.endswith(".zarr")]
            print(images)
            assert len(images) == 1
            assert len((point / images[0] / "0/0/0/0").read_bytes()) > 0
            assert len(done.stdout.splitlines()) <= 12
            gone = subprocess.run([ngffuse, "-u", target], cwd=tmp_path, capture_output=True, text=True, check=False)
            assert gone.returncode == 0, gone
        finally:
            clear(point)
        wait_for("the folder is removed", lambda: not point.exists())


@pytest.mark.parametrize("given", [".", "./", "../s", "../s/", "./../s/."])
def test_relative_sources(given, stack, ngffuse, point):
    done = subprocess.run([ngffuse, "-q", given, point], cwd=stack, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    assert "s.zarr" in os.listdir(point)
    chunk_is_right(point)
    assert subprocess.run([ngffuse, "-u", "."], cwd=point.parent, capture_output=True, check=False).returncode == 1
    assert subprocess.run([ngffuse, "-u", point.name], cwd=point.parent, check=False).returncode == 0


def test_links(stack, run, point, tmp_path):
    """To the source, to each file, and to the mount point."""
    (tmp_path / "linked").symlink_to(stack)
    (tmp_path / "files").mkdir()
    for f in stack.iterdir():
        (tmp_path / "files" / f.name).symlink_to(f)
    point.mkdir()
    (tmp_path / "way").symlink_to(point)
    for source in ("linked", "files"):
        assert run("-q", tmp_path / source, tmp_path / "way").returncode == 0
        chunk_is_right(point, f"{source}.zarr/0/0/0/0")
        assert run("-u", tmp_path / "way").returncode == 0
        wait_for("unmounted", lambda: not mounted(point))


def test_mount_point_that_is_the_image(stack, run, tmp_path):
    point = tmp_path / "brain.zarr"
    try:
        assert run("-q", stack, point).returncode == 0
        assert {".zattrs", ".zgroup", "0"} <= set(os.listdir(point))
        assert len((point / "0/0/0/0").read_bytes()) > 0
        assert run("status", point).returncode == 0
        assert run("-u", point).returncode == 0
    finally:
        clear(point)


# --- a mount near its own source


def test_inside_the_source(stack, run, tmp_path):
    """The mount point is never scanned, and the files stay within reach."""
    source = tmp_path / "s"
    shutil.copytree(stack, source)
    point = source / "seen here"
    try:
        for _ in range(2):
            assert run("-q", source, point).returncode == 0
            assert "s.zarr" in os.listdir(point)
            drop_caches(3)
            chunk_is_right(point)
            info = run("info", source, timeout=20)
            assert "seen here" not in info.stdout.replace(str(source), ""), info.stdout
            assert run("-u", point).returncode == 0
            wait_for("removed", lambda: not point.exists())
    finally:
        clear(point)


def test_over_the_source(stack, run, tmp_path):
    """The files are reached through a descriptor from before; a second mount there is refused."""
    source = tmp_path / "s"
    shutil.copytree(stack, source)
    names = sorted(os.listdir(source))
    try:
        done = run("-q", source, source)
        assert done.returncode == 0, done
        assert "s.zarr" in os.listdir(source)
        drop_caches(3)
        chunk_is_right(source)
        assert len(one_line(run("-q", stack, source))) > 0
        assert run("-u", source).returncode == 0
    finally:
        clear(source)
    assert sorted(os.listdir(source)) == names


def test_a_working_folder_in_the_mount_point(stack, ngffuse, tmp_path):
    """MOUNTPOINT given as `.`."""
    point = tmp_path / "here"
    point.mkdir()
    try:
        done = subprocess.run([ngffuse, "-q", stack, "."], cwd=point, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done
        assert "s.zarr" in os.listdir(point)
        assert subprocess.run([ngffuse, "-u", point], check=False).returncode == 0
    finally:
        clear(point)


# --- many images


def test_many_images_are_looked_at_when_asked_for(run, mount, tmp_path):
    top = tmp_path / "many"
    for i in range(200):
        write_stack(top / f"pos{i:03d}", picture((2, 30, 20), "u1", i))
    (top / "pos150" / "s_0000.tif").write_bytes(b"no picture")
    (top / "pos150" / "s_0001.tif").write_bytes(b"no picture")
    start = time.monotonic()
    with mount.within(top) as m:
        ready = time.monotonic() - start
        start = time.monotonic()
        names = os.listdir(m.path)
        listed = time.monotonic() - start
        images = {i["id"]: i for i in m.status()["images"]}
        unseen = sum(i["state"] == "unseen" for i in images.values())
        start = time.monotonic()
        one = (m.path / "pos199.zarr/0/0/0/0").read_bytes()
        first = time.monotonic() - start
        print(f"ready after {ready * 1000:.0f} ms, listed in {listed * 1000:.0f} ms, {unseen} not looked at; "
              f"first chunk of the last {first * 1000:.0f} ms; {m.status()['images_total']} images")
        assert sum(n.endswith(".zarr") for n in names) == 200
        assert unseen >= 100
        assert len(one) > 0
        # The bad one stays listed, and is an error, never a thing that is not there.
        assert "pos150.zarr" in names
        for name in (".zattrs", "0", "0/.zarray", "no"):
            with pytest.raises(OSError) as e:
                os.stat(m.path / "pos150.zarr" / name)
            assert e.value.errno == errno.EIO
        done = subprocess.run(["ls", "-R", m.path], capture_output=True, text=True, check=False)
        assert "pos199.zarr" in done.stdout and "Input/output error" in done.stderr
        status = m.status()
        assert status["levels"][0]["made"] == 1
        assert "pos150" in m.log
    assert listed < 0.5 and ready < 5


def test_a_lone_mount_class_cleans_up(stack, tmp_path):
    with Mount(stack) as m:
        assert len(chunk_paths(m.path)) > 0
        path = m.path
    assert not mounted(path) and not path.exists()
