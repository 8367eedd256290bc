"""The mount exported: NFS by nfs-ganesha, read by libnfs; SMB by Samba, read by smbclient. Each server runs as a
process of its own on a port of its own, with all its state in a folder of the test."""

import os
import shutil
import socket
import subprocess
import time

import pytest
from conftest import Mount
from workbench import chunk_paths, drop_caches, picture, wait_for, write_stack

pytestmark = pytest.mark.fuse


def need_programs(packages, *programs):
    """As root, for the servers want to be somebody."""
    missing = [p for p in programs if shutil.which(p) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (Debian: {packages})")
    if os.geteuid() != 0:
        pytest.skip("the servers need root")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """A process that is ended with the `with` statement."""

    def __init__(self, command, port, log):
        self.command, self.port, self.log = [str(c) for c in command], port, log

    def __enter__(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)
        try:
            wait_for(f"{self.command[0]} listens", self._up, 30)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _up(self):
        assert self.process.poll() is None, f"{self.command[0]} ended:\n{self.log.read_text()[-2000:]}"
        return listens(self.port)

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    return write_stack(tmp_path_factory.mktemp("shares") / "s", picture((5, 300, 200)), compression="lzw",
                       rowsperstrip=32)


def truth_of(m):
    """{path below the mount: bytes} of every file that is listed."""
    names = chunk_paths(m.path)
    for folder, _, files in os.walk(m.path):
        names += [os.path.relpath(os.path.join(folder, f), m.path) for f in files if not f.isdigit()]
    return {name: (m.path / name).read_bytes() for name in names}


GANESHA = """
NFS_CORE_PARAM {{ NFS_Port = {port}; Bind_addr = 127.0.0.1; Enable_NLM = false; Enable_RQUOTA = false; Protocols = 4; }}
NFSV4 {{ Graceless = true; RecoveryRoot = "{state}"; }}
NFS_KRB5 {{ Active_krb5 = false; }}
EXPORT {{ Export_Id = 77; Path = {path}; Pseudo = /z; Access_Type = RO; Squash = No_Root_Squash; SecType = sys;
         Protocols = 4; Transports = TCP; Filesystem_id = 192.168; FSAL {{ Name = VFS; }} }}
"""


def ganesha(m, folder):
    port = free_port()
    folder.mkdir(exist_ok=True)
    config = folder / "ganesha.conf"
    config.write_text(GANESHA.format(port=port, path=m.path, state=folder))
    command = ["ganesha.nfsd", "-F", "-f", config, "-L", folder / "log", "-p", folder / "pid", "-N", "EVENT"]
    return Server(command, port, folder / "out")


def nfs_cat(port, name):
    url = f"nfs://127.0.0.1/z/{name}?version=4&nfsport={port}"
    done = subprocess.run(["nfs-cat", url], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, f"{name}: {done.stderr.decode()}"
    return done.stdout


@pytest.mark.parametrize("codec", ["none", "blosc-lz4"])
def test_nfs(codec, stack, tmp_path, ngffuse):
    """Every file that is listed, equal; again when the kernel has forgotten it; and by a client that stays."""
    need_programs("nfs-ganesha nfs-ganesha-vfs libnfs-utils", "ganesha.nfsd", "nfs-cat", "nfs-ls")
    with Mount(stack, "--codec", codec, "--chunk-shape", "2,128,128") as m:
        truth = truth_of(m)
        with ganesha(m, tmp_path / "ganesha") as server:
            for name, wanted in truth.items():
                assert nfs_cat(server.port, name) == wanted, name
            drop_caches(3)
            for name in list(truth)[::5]:
                assert nfs_cat(server.port, name) == truth[name], name
            url = f"nfs://127.0.0.1/z/s.zarr/0/0/0?version=4&nfsport={server.port}"
            listed = subprocess.run(["nfs-ls", url], capture_output=True, text=True, timeout=60, check=True).stdout
            assert {line.split()[-1] for line in listed.splitlines()} == {"0", "1"}
        print(f"{len(truth)} files by NFS, equal")


def test_nfs_while_the_mount_is_replaced(stack, tmp_path, ngffuse, run):
    """A server that still uses a mount keeps it: -u says busy; after `umount -l` and a new mount its clients read
    on from the old one, and a server that is started anew serves the new one."""
    need_programs("nfs-ganesha nfs-ganesha-vfs libnfs-utils", "ganesha.nfsd", "nfs-cat", "umount")
    args = ["--codec", "blosc-lz4", "--chunk-shape", "2,128,128"]
    point = tmp_path / "point"
    with Mount(stack, *args, mountpoint=point) as old:
        truth = truth_of(old)
        name = next(n for n in truth if n.endswith("/1/1"))
        with ganesha(old, tmp_path / "one") as server:
            assert nfs_cat(server.port, name) == truth[name]
            assert "busy" in run("-u", point).stderr
            subprocess.run(["umount", "-l", point], check=True)
            with Mount(stack, *args, "--threads", "1", mountpoint=point) as new:
                assert nfs_cat(server.port, name) == truth[name]
                with ganesha(new, tmp_path / "two") as another:
                    assert nfs_cat(another.port, name) == truth[name]
        assert old.wait() == 0, "the old mount's program goes on although its last user has gone"


SAMBA = """
[global]
 server role = standalone server
 interfaces = 127.0.0.1/8
 bind interfaces only = yes
 smb ports = {port}
 disable netbios = yes
 server min protocol = SMB3
 kernel change notify = no
 map to guest = Bad User
 guest account = root
 private dir = {state}
 lock directory = {state}
 state directory = {state}
 cache directory = {state}
 pid directory = {state}
 ncalrpc dir = {state}/ncalrpc
 log file = {state}/log
[zarr]
 path = {path}
 read only = yes
 guest ok = yes
 case sensitive = yes
 mangled names = no
 hide dot files = no
 map archive = no
 map readonly = no
 store dos attributes = no
 ea support = no
 nt acl support = no
 oplocks = no
 kernel oplocks = no
 locking = no
"""


def test_smb(stack, tmp_path, ngffuse):
    """The whole tree, fetched by a client, equal."""
    need_programs("samba smbclient", "smbd", "smbclient")
    state, got = tmp_path / "samba", tmp_path / "got"
    state.mkdir()
    got.mkdir()
    port = free_port()
    with Mount(stack, "--codec", "blosc-lz4", "--chunk-shape", "2,128,128") as m:
        truth = truth_of(m)
        config = state / "smb.conf"
        config.write_text(SAMBA.format(port=port, state=state, path=m.path))
        with Server(["smbd", "-F", "--no-process-group", "-s", config], port, state / "out"):
            time.sleep(0.2)
            done = subprocess.run(
                ["smbclient", "//127.0.0.1/zarr", "-N", "-p", str(port), "-m", "SMB3", "-s", config, "-c",
                 f"prompt OFF; recurse ON; lcd {got}; mget *"],
                capture_output=True, text=True, timeout=120, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
        for name, wanted in truth.items():
            assert (got / name).read_bytes() == wanted, name
        print(f"{len(truth)} files by SMB, equal")
