"""Mounts and their users: an ordinary one who mounts, reads and unmounts, and others who may read through a mount
no more than they may read of its sources."""

import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from conftest import Mount
from test_mounting import clear, ended, mounted
from workbench import daemon_of, picture, wait_for, write_stack

pytestmark = pytest.mark.fuse

NOBODY, OWNER, MEMBER, GROUP = 65534, 61001, 61002, 61000
VOXELS = picture((3, 64, 64))
CHUNK = "s.zarr/0/1/0/0"  # with RAW
RAW = ["--codec", "none", "--chunk-shape", "1,64,64"]


def by(user, *words, groups=()):
    """Runs a command as somebody else."""
    return subprocess.run(list(map(str, words)), user=user, group=user, extra_groups=groups, cwd="/",
                          capture_output=True, timeout=20, check=False)


@pytest.fixture
def place(ngffuse):
    """A folder that everybody may enter, with the program; pytest's own folders are for their owner alone."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to be somebody else")
    top = Path(tempfile.mkdtemp(prefix="ngffuse-users-"))
    top.chmod(0o755)
    shutil.copy(ngffuse, top / "ngffuse")
    try:
        yield top
    finally:
        shutil.rmtree(top)


@pytest.fixture
def for_everybody(place):
    """/dev/fuse may be opened by all, as most systems have it; afterwards it is as it was."""
    helper = shutil.which("fusermount3")
    if helper is None or not os.stat(helper).st_mode & stat.S_ISUID:
        pytest.skip("no fusermount3 with root's rights (Debian: fuse3)")
    was = os.stat("/dev/fuse").st_mode
    os.chmod("/dev/fuse", 0o666)
    try:
        yield
    finally:
        os.chmod("/dev/fuse", was & 0o777)


def give(folder, user, group, files=0o644, folders=0o755):
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, user, group)
        path.chmod(folders if path.is_dir() else files)


def test_an_ordinary_user(place, for_everybody):
    """By fusermount3: mounts, reads, is alone with it, unmounts; the folder that it made is removed."""
    home = place / "home"
    write_stack(home / "s", VOXELS)
    give(home, NOBODY, NOBODY)
    point = home / "mnt"
    try:
        done = by(NOBODY, place / "ngffuse", "-q", *RAW, home / "s", point)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b""), done
        with open("/proc/self/mounts") as table:
            line = next(line for line in table if line.split()[1] == str(point))
        assert line.split()[2] == "fuse.ngffuse"
        assert {"ro", "nosuid", "nodev", f"user_id={NOBODY}"} <= set(line.split()[3].split(","))
        assert by(NOBODY, "ls", point / "s.zarr").stdout
        assert by(NOBODY, "cat", point / CHUNK).stdout == VOXELS[1].tobytes()
        for user in (OWNER, 0):
            seen = by(user, "cat", point / CHUNK)
            assert seen.returncode != 0 and not seen.stdout and b"Permission denied" in seen.stderr, seen
        refused = by(OWNER, place / "ngffuse", "-u", point)
        assert refused.returncode == 1 and len(refused.stderr.splitlines()) == 1 and mounted(point), refused
        pid, = daemon_of(point)
        assert os.stat(f"/proc/{pid}").st_uid == NOBODY
        done = by(NOBODY, place / "ngffuse", "-u", point)
        assert (done.returncode, done.stderr) == (0, b""), done
        ended(pid, point)
        wait_for("the folder is removed", lambda: not point.exists())
    finally:
        clear(point)


def test_an_ordinary_users_dead_mount(place, for_everybody):
    """Its user clears it, too."""
    home = place / "home"
    write_stack(home / "s", VOXELS)
    give(home, NOBODY, NOBODY)
    point = home / "mnt"
    try:
        assert by(NOBODY, place / "ngffuse", "-q", *RAW, home / "s", point).returncode == 0
        pid, = daemon_of(point)
        os.kill(pid, 9)
        wait_for("dead", lambda: b"not connected" in by(NOBODY, "ls", point).stderr)
        again = by(NOBODY, place / "ngffuse", "-q", home / "s", point)
        assert again.returncode == 1 and b"-u" in again.stderr, again
        done = by(NOBODY, place / "ngffuse", "-u", point)
        assert (done.returncode, done.stderr) == (0, b""), done
        assert not mounted(point)
    finally:
        clear(point)


def test_a_slice_of_somebody_else(place, for_everybody):
    """What the program's user may not read is damage, and all else is right."""
    home = place / "home"
    write_stack(home / "s", VOXELS)
    give(home, NOBODY, NOBODY)
    os.chown(home / "s/s_0001.tif", OWNER, OWNER)
    (home / "s/s_0001.tif").chmod(0o600)
    point = home / "mnt"
    try:
        done = by(NOBODY, place / "ngffuse", *RAW, home / "s", point)
        assert done.returncode == 0 and b"s_0001.tif" in done.stdout, done
        seen = by(NOBODY, "cat", point / CHUNK)
        assert seen.returncode == 1 and not seen.stdout and b"Input/output error" in seen.stderr, seen
        for z in (0, 2):
            assert by(NOBODY, "cat", point / f"s.zarr/0/{z}/0/0").stdout == VOXELS[z].tobytes()
    finally:
        clear(point)


def test_allow_other_of_an_ordinary_user(place, for_everybody):
    """Only where the system's configuration lets users; else it is refused with fusermount3's reason."""
    conf = Path("/etc/fuse.conf")
    if conf.exists() and any(line.strip() == "user_allow_other" for line in conf.read_text().splitlines()):
        pytest.skip("users may say allow_other here")
    home = place / "home"
    write_stack(home / "s", VOXELS)
    give(home, NOBODY, NOBODY)
    done = by(NOBODY, place / "ngffuse", "-q", "-o", "allow_other", home / "s", home / "mnt")
    assert done.returncode == 1 and b"user_allow_other" in done.stderr, done
    assert done.stderr.splitlines()[-1].startswith(b"ngffuse: no mount at"), done
    assert not (home / "mnt").exists()


# --- allow_other: each case is an image of one mount


def files(user, group, mode):
    return lambda folder: give(folder, user, group, files=mode)


def one_file(folder):
    give(folder, OWNER, GROUP)
    (folder / "s_0002.tif").chmod(0o600)


def folder_of_the_owner(folder):
    give(folder, OWNER, GROUP, folders=0o700)


def folder_of_the_group(folder):
    give(folder, OWNER, GROUP, folders=0o750)


def of_two(folder):
    give(folder, OWNER, GROUP, files=0o640)
    os.chown(folder / "s_0002.tif", MEMBER, GROUP)


def private_of_two(folder):
    give(folder, OWNER, GROUP, files=0o600)
    os.chown(folder / "s_0002.tif", NOBODY, GROUP)


# Who may read: the owner of SOURCE, a member of its group, the files' owner, anybody.
CASES = {
    "open": files(OWNER, GROUP, 0o644), "private": files(OWNER, GROUP, 0o600), "grouped": files(OWNER, GROUP, 0o640),
    "one": one_file, "folder": folder_of_the_owner, "ours": folder_of_the_group,
    "foreign": files(MEMBER, MEMBER, 0o600), "several": of_two, "nobodys": private_of_two,
}
USERS = {"owner": (OWNER, [GROUP]), "member": (MEMBER, [GROUP]), "nobody": (NOBODY, [])}


def test_through_a_mount_nobody_reads_more(place, mount):
    """root mounts for all: of each image a user gets the voxels where the user could read all of its files, and
    nothing of it where not."""
    source, point = place / "src", place / "mnt"
    for name in CASES:
        write_stack(source / name, VOXELS)
    os.chown(source, OWNER, GROUP)
    for name, allow in CASES.items():
        allow(source / name)
    with Mount(source, "-o", "allow_other", *RAW, mountpoint=point):
        got = {}
        for name in CASES:
            for who, (user, groups) in USERS.items():
                may = by(user, "cat", *sorted((source / name).iterdir()), groups=groups).returncode == 0
                seen = by(user, "cat", point / f"{name}.zarr/0/1/0/0", groups=groups)
                facts = by(user, "cat", point / f"{name}.zarr/.zattrs", groups=groups)
                listed = by(user, "ls", point / f"{name}.zarr", groups=groups)
                got[name, who] = seen.returncode == 0
                if may:
                    assert seen.stdout == VOXELS[1].tobytes(), (name, who, seen)
                    assert facts.stdout and listed.stdout
                else:
                    assert (seen.returncode, seen.stdout, facts.stdout, listed.stdout) == (1, b"", b"", b""), (name, who)
        for name in CASES:
            print(f"{name}: {', '.join(who for who in USERS if got[name, who]) or 'root alone'}")
        assert {name for name in CASES if got[name, "nobody"]} == {"open"}
        assert {name for name in CASES if got[name, "member"]} == {"open", "grouped", "ours", "foreign", "several"}


@pytest.mark.parametrize("of_folder", [0o700, 0o755])
def test_a_source_of_its_owner_alone(of_folder, place):
    """One image: the mount's own documents say no more than the image's."""
    source, point = place / "src", place / "mnt"
    write_stack(source, VOXELS)
    give(source, OWNER, GROUP, files=0o644 if of_folder == 0o700 else 0o600, folders=of_folder)
    with Mount(source, "-o", "allow_other", "--name", "s", *RAW, mountpoint=point):
        paths = [CHUNK, "s.zarr/.zattrs", "s.zarr/0/.zarray", ".zattrs"]
        for path in paths:
            assert by(OWNER, "cat", point / path).stdout
            seen = by(NOBODY, "cat", point / path)
            assert (seen.returncode, seen.stdout) == (1, b"") and b"Permission denied" in seen.stderr, path
        assert by(OWNER, "cat", point / CHUNK).stdout == VOXELS[1].tobytes()
