"""The state folder: what is in it, what must not be, and what happens when it is damaged or full."""

import base64
import os
import shutil
import subprocess

import pytest

from env.certs import assert_good, openssl
from env.everleaf import BINARY


def raw_secret(path):
    """The bytes of an EC private key's secret number."""
    text = openssl("pkey", "-in", path, "-noout", "-text")
    digits = text.split("priv:")[1].split("pub:")[0]
    return bytes.fromhex("".join(digits.split()).replace(":", ""))[-32:]


def test_database_discloses_no_key(everleaf, tmp_path, name):
    secret = everleaf.secret_file("password", "a-keystore-password")
    everleaf.issue(name, "--keystore", "pkcs12", "--keystore-password-file", secret)
    everleaf.run("account", "export", everleaf.json("account", "list")[0]["name"], "-o", tmp_path / "account.pem")
    data = everleaf.stored()
    assert b"PRIVATE KEY" not in data and b"a-keystore-password" not in data
    for path in (everleaf.live(name, "privkey.pem"), tmp_path / "account.pem"):
        number = raw_secret(path)
        for form in (number, number.hex().encode(), base64.b64encode(number)[:40], base64.urlsafe_b64encode(number)[:40]):
            assert form not in data
    assert (everleaf.state / "master.key").read_bytes() not in data


def test_modes(everleaf, name):
    everleaf.issue(name, cwd="/")
    for path in [everleaf.state, *everleaf.state.rglob("*")]:
        mode = path.lstat().st_mode
        if path.is_symlink():
            continue
        if path.is_dir():
            assert mode & 0o777 == 0o700, path
        elif path.name in ("privkey.pem", "combined.pem", "master.key") or path.name.startswith("everleaf.db"):
            assert mode & 0o777 == 0o600, path


def test_modes_do_not_hang_on_the_umask(bare, name):
    result = subprocess.run(["sh", "-c", 'umask 000; exec "$@"', "sh", BINARY, "ca", "add", "x", "https://127.0.0.1:1/dir"],
                            env=bare.env, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert bare.state.stat().st_mode & 0o777 == 0o700
    assert bare.database or (bare.state / "everleaf.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.option("master-key rotate")
def test_master_key_rotation(everleaf, pebble, name):
    everleaf.issue(name, "--key-policy", "same")
    before = (everleaf.state / "master.key").read_bytes()
    everleaf.run("master-key", "rotate")
    assert (everleaf.state / "master.key").read_bytes() != before
    everleaf.run("renew", name, "--force")
    assert_good(everleaf.live(name), pebble.root_file())


@pytest.fixture
def credential(everleaf, tmp_path, name):
    """A state with a certificate whose master key is handed over as systemd does it."""
    everleaf.issue(name)
    folder = tmp_path / "credentials"
    folder.mkdir(mode=0o700)
    path = folder / "everleaf-master-key"
    shutil.move(everleaf.state / "master.key", path)
    path.chmod(0o440)  # the mask of an access list
    everleaf.env["CREDENTIALS_DIRECTORY"] = str(folder)
    return path


def exports_key(everleaf, name, **options):
    return everleaf.run("export", name, "--part", "key", shows_secrets=True, **options)


def test_master_key_as_a_credential(everleaf, credential, tmp_path, name):
    """It is used, and no other is made; a file that is named comes first; what others may read is refused."""
    assert "PRIVATE KEY" in exports_key(everleaf, name).out
    everleaf.run("renew", name, "--force")
    file = tmp_path / "backup"
    everleaf.run("backup", file, "--with-master-key")
    assert credential.read_text().strip() in file.read_text()
    assert not (everleaf.state / "master.key").exists()
    for mode in (0o444, 0o460):
        credential.chmod(mode)
        assert "others may read" in exports_key(everleaf, name, status=1).err
    credential.chmod(0o400)
    named = tmp_path / "named"
    shutil.copy(credential, named)
    credential.write_text("0" * 64 + "\n")
    assert "not the one that sealed" in exports_key(everleaf, name, status=1).err
    named.chmod(0o440)
    assert "chmod 600" in exports_key(everleaf, name, env={"EVERLEAF_MASTER_KEY_FILE": str(named)}, status=1).err
    named.chmod(0o400)
    exports_key(everleaf, name, env={"EVERLEAF_MASTER_KEY_FILE": str(named)})


def test_credential_of_another_name(everleaf, credential, name):
    """Then it is the state folder's own, as ever."""
    shutil.move(credential, everleaf.state / "master.key")
    (everleaf.state / "master.key").chmod(0o600)
    (credential.parent / "another").touch()
    exports_key(everleaf, name)


def test_state_made_with_a_credential(bare, tmp_path):
    (tmp_path / "everleaf-master-key").write_text("5a" * 32)
    (tmp_path / "everleaf-master-key").chmod(0o400)
    bare.env["CREDENTIALS_DIRECTORY"] = str(tmp_path)
    bare.register()
    assert not (bare.state / "master.key").exists()
    del bare.env["CREDENTIALS_DIRECTORY"]
    assert "master.key is missing" in bare.error("account", "export", "lab", status=1)


def test_credential_is_not_rotated_in_place(everleaf, credential, tmp_path, name):
    before = everleaf.snapshot()
    assert "EVERLEAF_MASTER_KEY_FILE" in everleaf.error("master-key", "rotate", status=2)
    assert everleaf.snapshot() == before
    file = tmp_path / "key"
    shutil.copy(credential, file)
    file.chmod(0o600)
    everleaf.run("master-key", "rotate", env={"EVERLEAF_MASTER_KEY_FILE": str(file)})
    assert "not the one that sealed" in exports_key(everleaf, name, status=1).err
    credential.chmod(0o600)
    shutil.copy(file, credential)
    exports_key(everleaf, name)


def test_lost_master_key_says_so(everleaf, name):
    everleaf.issue(name)
    (everleaf.state / "master.key").unlink()
    error = everleaf.error("renew", name, "--force", status=(1, 2))
    assert "master.key" in error
    assert not (everleaf.state / "master.key").exists(), "no new one is made over sealed keys"


def test_wrong_master_key_says_so(everleaf, name):
    everleaf.issue(name)
    path = everleaf.state / "master.key"
    data = bytearray(path.read_bytes())
    data[5] = ord("0") if data[5] != ord("0") else ord("1")  # "A" for an "a" would be the same hexadecimal digit
    path.write_bytes(data)
    assert everleaf.error("renew", name, "--force", status=(1, 2))


@pytest.mark.sqlite("about damage to its file")
@pytest.mark.parametrize("spoil", [lambda data: b"this is no database" * 100, lambda data: data[:len(data) // 2],
                                   lambda data: data[:4096] + os.urandom(len(data) - 4096)],
                         ids=["no database", "cut", "scribbled over"])
def test_damaged_database(everleaf, name, spoil):
    everleaf.issue(name)
    path = everleaf.state / "everleaf.db"
    for extra in ("-wal", "-shm"):
        (everleaf.state / f"everleaf.db{extra}").unlink(missing_ok=True)
    path.write_bytes(spoil(path.read_bytes()))
    before = path.read_bytes()
    error = everleaf.error("list", status=1)
    assert "everleaf.db" in error
    assert everleaf.error("renew", name, "--force", status=1)
    assert path.read_bytes() == before, "nothing is written over it"


def test_database_of_a_later_version(everleaf):
    everleaf.sql("update meta set value = cast(value as integer) + 1000 where name = 'schema'")
    error = everleaf.error("list", status=(1, 2))
    assert "newer" in error or "later" in error


@pytest.mark.option("", "--database")
def test_database_elsewhere(bare, pebble, tmp_path):
    bare.run("--database", f"sqlite:{tmp_path}/elsewhere.db", "ca", "add", "lab", pebble.directory)
    assert (tmp_path / "elsewhere.db").exists() and not (bare.state / "everleaf.db").exists()
    assert "lab" in [row["name"] for row in bare.json("--database", f"sqlite:{tmp_path}/elsewhere.db", "ca", "list")]
    assert "lab" not in [row["name"] for row in bare.json("ca", "list")]
    bare.error("--database", "nonsense:x", "list", status=2)


def test_looking_makes_no_state(bare):
    assert bare.json("list") == []
    bare.error("check", status=2)  # a wrong --state must not look like "nothing expires"
    assert not bare.state.exists()


def can_mount():
    return subprocess.run(["unshare", "-Urm", "true"], capture_output=True).returncode == 0


def full_disk(everleaf, folder, *args):
    """Runs everleaf with its state on a file system that has room for it, and of which a filler leaves nothing."""
    used = sum(-(-path.lstat().st_size // 4096) * 4 + 4 for path in everleaf.state.rglob("*"))
    script = (f'mount -t tmpfs -o size={used + 40}k none "$1" && cp -a "$2"/. "$1"/ && cp "$3" "$1/filler"; shift 3; "$@"; status=$?; '
              'rm -f "$EVERLEAF_STATE/filler"; cp -a "$EVERLEAF_STATE"/. "$BACK"/; exit $status')
    back = everleaf.folder / "back"
    back.mkdir()
    filler = everleaf.folder / "filler"
    filler.write_bytes(b"\0" * 400_000)
    done = subprocess.run(["unshare", "-Urm", "sh", "-c", script, "sh", folder, everleaf.state, filler, BINARY, *args],
                          env={**everleaf.env, "EVERLEAF_STATE": str(folder), "BACK": str(back)}, capture_output=True, text=True,
                          timeout=60)
    return done, back


def test_full_disk(everleaf, pebble, tmp_path, name):
    """It says so; nothing half-written becomes live; with room again everything goes on."""
    everleaf.issue(name)
    if not can_mount():
        pytest.xfail("no mount namespaces here; the file size limit below stands in")
    small = tmp_path / "small"
    small.mkdir()
    done, back = full_disk(everleaf, small, "renew", name, "--force")
    assert done.returncode == 1, (done.stdout, done.stderr)
    *before, last = done.stderr.strip().splitlines()
    assert "disk is full" in last and not any("disk is full" in line for line in before), done.stderr
    shutil.rmtree(everleaf.state)
    shutil.copytree(back, everleaf.state, symlinks=True)
    assert_good(everleaf.live(name), pebble.root_file())
    everleaf.run("renew", name, "--force")
    assert_good(everleaf.live(name), pebble.root_file())


@pytest.mark.parametrize("blocks", [0, 1, 8, 64])
def test_files_may_not_grow(everleaf, pebble, name, blocks):
    """A file size limit fails writes in the middle of things, whoever runs the tests."""
    everleaf.issue(name)
    result = subprocess.run(["sh", "-c", 'trap "" XFSZ; ulimit -f "$1"; shift; exec "$@"', "sh", str(blocks), BINARY, "renew", name,
                             "--force"], env=everleaf.env, capture_output=True, text=True, timeout=60)
    assert result.returncode in (0, 1, 75), result.stderr
    assert_good(everleaf.live(name), pebble.root_file())
    everleaf.run("renew", name, "--force")
    assert_good(everleaf.live(name), pebble.root_file())


def test_state_folder_that_cannot_be_made(bare):
    assert "/proc/nothing" in bare.error("--state", "/proc/nothing", "ca", "add", "x", "https://127.0.0.1:1/dir", status=(1, 2))
