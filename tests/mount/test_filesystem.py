"""What stat, errors, handles and forbidden calls look like."""

import contextlib
import ctypes
import errno
import json
import os
import shutil
import stat
import struct
import time
from pathlib import Path

import pytest
from workbench import chunk_paths, drop_caches, libc, picture, write_stack

pytestmark = pytest.mark.fuse

OWNER, GROUP = 1234, 4321
MTIME_NS = 1_600_000_000_123_456_789


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Two images; owner, modes and times are none that anybody could take for a default."""
    top = tmp_path_factory.mktemp("files") / "set"
    write_stack(top / "a", picture((3, 300, 200)), compression="zlib", rowsperstrip=64)
    write_stack(top / "b", picture((5, 100, 100), "u1", 2))
    for i, f in enumerate(sorted((top / "a").iterdir())):
        os.utime(f, ns=(1, MTIME_NS - i * 10**9))
        f.chmod(0o640 if i else 0o444)
    if os.geteuid() == 0:
        for path in [top, *top.rglob("*")]:
            os.chown(path, OWNER, GROUP)
    return top


@pytest.fixture(scope="module")
def live(ngffuse, source):
    from conftest import Mount

    with Mount(source, "--codec", "blosc-lz4", "--chunk-shape", "2,128,128") as m:
        yield m


@pytest.fixture(scope="module")
def whole(live):
    """Every path of the mount, by listing, with the root; the status is not among them."""
    paths = [live.path]
    for folder, folders, files in os.walk(live.path):
        paths += [Path(folder) / name for name in folders + files]
    assert len(paths) > 40
    return paths


def test_modes_owner_times_numbers(live, whole):
    for path in whole:
        st = os.lstat(path)
        is_dir = stat.S_ISDIR(st.st_mode)
        assert is_dir or stat.S_ISREG(st.st_mode)
        assert st.st_nlink == (2 if is_dir else 1), path
        assert st.st_mode & 0o222 == 0, path
        assert st.st_blocks == (0 if is_dir else -(-st.st_size // 512)), path
        assert is_dir or st.st_size > 0
        assert time.time() - st.st_mtime > 0
        if os.geteuid() == 0:
            assert (st.st_uid, st.st_gid) == (OWNER, GROUP)
        again = os.lstat(path)
        assert (again.st_ino, again.st_mtime_ns, again.st_size) == (st.st_ino, st.st_mtime_ns, st.st_size)
        if "a.zarr" in path.parts:
            # Readable by those who may read every file; a folder may be entered by those who may read it.
            assert stat.S_IMODE(st.st_mode) == (0o550 if is_dir else 0o440), (path, oct(st.st_mode))
            assert st.st_mtime_ns == MTIME_NS
        if "b.zarr" in path.parts:
            assert stat.S_IMODE(st.st_mode) == (0o555 if is_dir else 0o444), path
    print(f"{len(whole)} nodes")


def test_numbers_are_those_of_the_listing_and_unique(live, whole):
    numbers = {}
    for path in whole:
        numbers.setdefault(os.lstat(path).st_ino, []).append(path)
    assert all(len(paths) == 1 for paths in numbers.values())
    for path in whole:
        if path.is_dir():
            for entry in os.scandir(path):
                assert entry.inode() == os.lstat(entry.path).st_ino
                assert entry.is_dir(follow_symlinks=False) == os.path.isdir(entry.path)


def test_dots(live):
    for folder in (live.path / "a.zarr", live.path / "a.zarr/0/1"):
        assert os.stat(folder / ".").st_ino == os.stat(folder).st_ino
        assert os.stat(folder / "..").st_ino == os.stat(folder.parent).st_ino


class Dirent(ctypes.Structure):
    _fields_ = [("ino", ctypes.c_uint64), ("off", ctypes.c_int64), ("reclen", ctypes.c_uint16),
                ("kind", ctypes.c_uint8), ("name", ctypes.c_char * 256)]


def test_large_folders(mount, tmp_path):
    """Listings of many pieces are whole, and may be continued from any place in them."""
    source = write_stack(tmp_path / "wide", picture((2, 3, 6000), "u1"))
    with mount.within(source, "--codec", "none", "--chunk-shape", "1,1,1") as m:
        folder = m.path / "wide.zarr/0/1/2"
        for _ in range(2):
            start = time.monotonic()
            names = os.listdir(folder)
            print(f"{len(names)} names in {(time.monotonic() - start) * 1000:.0f} ms")
            assert names == [str(i) for i in range(6000)]
        libc.opendir.restype = ctypes.c_void_p
        libc.readdir.restype = ctypes.POINTER(Dirent)
        libc.telldir.restype = ctypes.c_long
        stream = ctypes.c_void_p(libc.opendir(os.fsencode(folder)))
        entries = []
        while True:
            at = libc.telldir(stream)
            entry = libc.readdir(stream)
            if not entry:
                break
            entries.append((at, entry.contents.name, entry.contents.ino))
        assert [name for _, name, _ in entries[2:]] == [b"%d" % i for i in range(6000)]
        for at, name, ino in entries[::-97] + entries[::53]:
            libc.seekdir(stream, ctypes.c_long(at))
            entry = libc.readdir(stream)
            assert (entry.contents.name, entry.contents.ino) == (name, ino)
        libc.closedir(stream)
        for i in (0, 999, 5999):
            assert (folder / str(i)).stat().st_ino == entries[2 + i][2]
        with pytest.raises(FileNotFoundError):
            os.stat(folder / "6000")


def test_statfs(live):
    v = os.statvfs(live.path)
    print(v)
    assert v.f_namemax == 255
    assert v.f_bsize > 0 and v.f_blocks > 0 and v.f_files > 0
    assert v.f_bavail == 0 and v.f_ffree == 0
    assert v.f_flag & os.ST_RDONLY


def forbidden(path):
    """(name, call) of all that would change something at or beside the path."""
    new = path / "new" if path.is_dir() else path.parent / "new"
    yield "create", lambda: os.close(os.open(new, os.O_CREAT | os.O_WRONLY))
    yield "create-excl", lambda: os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDONLY))
    yield "mkdir", lambda: os.mkdir(new)
    yield "mknod", lambda: os.mknod(new, 0o600 | stat.S_IFREG)
    yield "mkfifo", lambda: os.mkfifo(new)
    yield "symlink", lambda: os.symlink("x", new)
    yield "chmod", lambda: os.chmod(path, 0o777)
    yield "chown", lambda: os.chown(path, 0, 0)
    yield "utime", lambda: os.utime(path)
    yield "setxattr", lambda: os.setxattr(path, "user.a", b"b")
    if path.is_dir():
        yield "rmdir", lambda: os.rmdir(path)
    else:
        yield "unlink", lambda: os.unlink(path)
        yield "link", lambda: os.link(path, new)
        yield "write", lambda: os.close(os.open(path, os.O_WRONLY))
        yield "read-write", lambda: os.close(os.open(path, os.O_RDWR))
        yield "append", lambda: os.close(os.open(path, os.O_WRONLY | os.O_APPEND))
        yield "open-truncate", lambda: os.close(os.open(path, os.O_RDONLY | os.O_TRUNC))
        yield "truncate", lambda: os.truncate(path, 0)
    yield "rename", lambda: os.rename(path, path.with_name("new"))


@pytest.mark.parametrize("name", ["", "a.zarr", "a.zarr/0", "a.zarr/0/1/1", "a.zarr/.zattrs", ".zattrs",
                                  "a.zarr/0/.zarray", "a.zarr/0/1/1/0"])
def test_nothing_can_be_written(live, name):
    path = live.path / name
    before = os.lstat(path)
    tried = []
    for what, call in forbidden(path):
        # The root of a mount is busy before it is read-only.
        allowed = {errno.EROFS} | ({errno.EBUSY, errno.EXDEV} if not name else set())
        with pytest.raises(OSError) as e:
            call()
        assert e.value.errno in allowed, (what, e.value)
        tried.append(what)
    after = os.lstat(path)
    print(f"{name or '/'}: {' '.join(tried)}")
    assert (after.st_mode, after.st_size, after.st_mtime_ns) == (before.st_mode, before.st_size, before.st_mtime_ns)


def test_nothing_can_be_written_where_the_kernel_would_let_it(live):
    """Remounted rw the program itself refuses."""
    if os.geteuid() != 0:
        pytest.skip("only root can remount")
    MS_REMOUNT, MS_NOSUID, MS_NODEV = 32, 2, 4
    target = os.fsencode(live.path)
    if libc.mount(b"none", target, None, MS_REMOUNT | MS_NOSUID | MS_NODEV, None) != 0:
        pytest.skip(f"no remount: {os.strerror(ctypes.get_errno())}")
    try:
        for name in ("a.zarr", "a.zarr/.zattrs", "a.zarr/0/1/1/0"):
            for what, call in forbidden(live.path / name):
                with pytest.raises(OSError) as e:
                    call()
                # Extended attributes do not exist here; the kernel may say so before it asks.
                allowed = {errno.EROFS} | ({errno.EOPNOTSUPP} if what == "setxattr" else set())
                assert e.value.errno in allowed, (name, what, e.value)
    finally:
        libc.mount(b"none", target, None, MS_REMOUNT | MS_NOSUID | MS_NODEV | 1, None)


def error_of(call, *args):
    try:
        call(*args)
    except OSError as e:
        return e.errno
    return 0


@pytest.mark.parametrize("name", ["no", "c.zarr", "a", "a.zarr/9", "a.zarr/no", "a.zarr/0/2", "a.zarr/0/01",
                                  "a.zarr/0/+1", "a.zarr/0/ 1", "a.zarr/0/1 ", "a.zarr/0/-0", "a.zarr/0/00",
                                  "a.zarr/0/0x1", "a.zarr/0/1.0", "a.zarr/0/18446744073709551616",
                                  "a.zarr/0/18446744073709551617", "a.zarr/00", "a.zarr/0/0/0/2", "a.zarr/0/0/.zarray",
                                  "a.zarr/zarr.json", "A.zarr", "a.zarr/0/\u0661", ".ngffuse/no"])
def test_names_that_are_not_there(live, name):
    for _ in range(2):
        assert error_of(os.stat, live.path / name) == errno.ENOENT
        assert error_of(os.open, live.path / name, os.O_RDONLY) == errno.ENOENT


def test_a_file_is_no_folder_and_a_folder_no_file(live):
    for name in ("a.zarr/.zattrs", "a.zarr/0/1/1/0"):
        assert error_of(os.stat, live.path / name / "x") == errno.ENOTDIR
        assert error_of(os.listdir, live.path / name) == errno.ENOTDIR
    assert error_of(os.open, f"{live.path}/a.zarr/0/1/1/0/", os.O_RDONLY) == errno.ENOTDIR
    fd = os.open(live.path / "a.zarr", os.O_RDONLY)
    try:
        assert error_of(os.read, fd, 1) == errno.EISDIR
    finally:
        os.close(fd)


def test_long_names(live):
    for folder in ("", "a.zarr", "a.zarr/0", "a.zarr/0/1"):
        assert error_of(os.stat, live.path / folder / ("n" * 255)) == errno.ENOENT
        assert error_of(os.stat, live.path / folder / ("1" * 256)) == errno.ENAMETOOLONG
        assert error_of(os.stat, live.path / folder / ("n" * 1000)) == errno.ENAMETOOLONG


def test_status_file(live):
    assert ".ngffuse" not in os.listdir(live.path)
    path = live.path / ".ngffuse" / "status.json"
    assert os.listdir(path.parent) == ["status.json"]
    assert path.stat().st_size == 64 << 10
    (live.path / chunk_paths(live.path)[0]).read_bytes()
    first = path.read_bytes()
    drop_caches(2)
    second = path.read_bytes()
    assert len(first) == len(second) == 64 << 10
    one, two = json.loads(first), json.loads(second)
    assert {"version", "images", "levels", "planes_decoded", "strips_decoded", "bytes_fetched", "memory", "parked",
            "queue", "longest", "errors"} <= set(one)
    assert {"now", "peak", "budget"} <= set(one["memory"])
    assert {"made", "remade", "hits", "evicted", "bytes"} <= set(one["levels"][0])
    assert one["levels"][0]["made"] >= 1
    (live.path / "a.zarr/0/1/2/1").read_bytes()
    three = json.loads(path.read_bytes())
    print({k: v for k, v in three.items() if k != "images"})
    assert two["levels"][0]["made"] < three["levels"][0]["made"] or two["levels"] != three["levels"]


@pytest.mark.parametrize("ngff", ["0.4", "0.5"])
def test_documents_are_the_same_at_every_mount(ngff, source, mount):
    seen = []
    for _ in range(2):
        with mount.within(source, "--ngff", ngff) as m:
            documents = {}
            for folder, _, files in os.walk(m.path):
                for f in files:
                    if not f.isdigit():
                        path = Path(folder) / f
                        documents[str(path.relative_to(m.path))] = (path.read_bytes(), path.stat().st_size,
                                                                    path.stat().st_ino, path.stat().st_mtime_ns)
            seen.append(documents)
    assert seen[0] == seen[1]
    assert all(len(text) == size and json.loads(text) is not None for text, size, *_ in seen[0].values())
    names = set(seen[0])
    print(sorted(names))
    if ngff == "0.4":
        assert {".zgroup", ".zattrs", "a.zarr/.zgroup", "a.zarr/.zattrs", "a.zarr/.zmetadata", "a.zarr/0/.zarray",
                "a.zarr/0/.zattrs"} <= names
    else:
        assert {"a.zarr/zarr.json", "a.zarr/0/zarr.json"} <= names
        assert not any(n.rsplit("/", 1)[-1].startswith(".z") for n in names)


# --- handles, as NFS servers use them


class Handle(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_uint), ("type", ctypes.c_int), ("data", ctypes.c_ubyte * 128)]


def handle_of(path):
    h, mount_id = Handle(bytes=128), ctypes.c_int()
    if libc.name_to_handle_at(-100, os.fsencode(path), ctypes.byref(h), ctypes.byref(mount_id), 0) != 0:
        raise OSError(ctypes.get_errno(), "name_to_handle_at")
    return h


def open_handle(mount_path, h, flags=os.O_RDONLY):
    root = os.open(mount_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fd = libc.open_by_handle_at(root, ctypes.byref(h), flags)
        if fd < 0:
            raise OSError(ctypes.get_errno(), "open_by_handle_at")
        return fd
    finally:
        os.close(root)


@contextlib.contextmanager
def opened(mount_path, h):
    fd = open_handle(mount_path, h)
    try:
        yield fd
    finally:
        os.close(fd)


HANDLED = [".", "a.zarr", "a.zarr/0", "a.zarr/0/1", "a.zarr/0/1/1", ".zattrs", "a.zarr/.zattrs", "a.zarr/0/.zarray",
           "a.zarr/0/1/1/1", "b.zarr/0/0/0/0"]


def check_handles(m, handles, truth):
    for name, h in handles.items():
        with opened(m.path, h) as fd:
            st = os.fstat(fd)
            assert st.st_ino == truth[name][0], name
            if stat.S_ISDIR(st.st_mode):
                assert sorted(os.listdir(fd)) == truth[name][1], name
            else:
                assert os.read(fd, 1 << 22) == truth[name][1], name


def truth_of(m):
    return {name: (os.stat(m.path / name).st_ino,
                   sorted(os.listdir(m.path / name)) if (m.path / name).is_dir() else (m.path / name).read_bytes())
            for name in HANDLED}


def test_handles(source, mount, tmp_path):
    """They hold after the kernel forgot, after another mount of the same source, and nowhere else."""
    point = tmp_path / "point"
    args = ["--codec", "blosc-lz4", "--chunk-shape", "2,128,128"]
    with mount.within(source, *args, mountpoint=point) as m:
        handles = {name: handle_of(m.path / name) for name in HANDLED}
        truth = truth_of(m)
        try:
            os.close(open_handle(m.path, handles["a.zarr"]))
        except PermissionError:
            pytest.skip("open_by_handle_at is not allowed here")
        drop_caches(3)
        check_handles(m, handles, truth)
        forged = Handle.from_buffer_copy(handles["a.zarr/0/1/1/1"])
        for i in range(forged.bytes):
            forged.data[i] ^= 0xFF
        assert error_of(open_handle, m.path, forged) == errno.ESTALE
        outside = Handle.from_buffer_copy(handles["a.zarr/0/1/1/1"])
        number, = struct.unpack_from("<I", outside.data, 4)  # low half of the node, generation as it is
        struct.pack_into("<I", outside.data, 4, number + (1 << 20))
        assert error_of(open_handle, m.path, outside) == errno.ESTALE
    for other in (["--threads", "1"], ["--memory", "1G"]):
        with mount.within(source, *args, *other, mountpoint=point) as m:
            drop_caches(2)
            check_handles(m, handles, truth)
    copy = tmp_path / source.name
    shutil.copytree(source, copy)
    with mount.within(copy, *args, mountpoint=point) as m:
        handles_of_copy = {name: handle_of(m.path / name) for name in HANDLED}
    one = min(copy.rglob("*.tif"))
    os.utime(one, ns=(0, os.stat(one).st_mtime_ns + 1))
    with mount.within(copy, *args, mountpoint=point) as m:
        for name in HANDLED[1:]:
            assert error_of(open_handle, m.path, handles_of_copy[name]) == errno.ESTALE, name
    with mount.within(source, "--codec", "zlib", "--chunk-shape", "2,128,128", mountpoint=point) as m:
        for name in HANDLED[1:]:
            assert error_of(open_handle, m.path, handles[name]) == errno.ESTALE, name
