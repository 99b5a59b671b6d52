"""Programs that must not be installed: unpacked from their packages by tools/fetch_deb, once."""

import functools
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


@functools.lru_cache(None)
def fetched(package, *suites):
    done = subprocess.run([ROOT / "tools/fetch_deb", package, *suites], stdout=subprocess.PIPE, text=True, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f"tools/fetch_deb {package} failed")
    return Path(done.stdout.strip())


def pebble_folder():
    """Pebble 2.6 or newer is needed for renewal information: from a newer suite than the machine's may be."""
    return fetched("pebble", "forky", "sid", "trixie") / "usr/bin"


def nginx_program():
    return shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin") or str(fetched("nginx") / "usr/sbin/nginx")
