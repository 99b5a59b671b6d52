"""What one request is told is bounded, however much is held: no question makes the daemon pass its own limit of memory."""

from env import Serve, large
from env.client import user
from env.everleaf import BINARY
from env.process import wait_until

HELD = 20000 if b"__asan_init" in BINARY.read_bytes() else 100000  # with a sanitizer it takes five times as long
MANY = 900  # of one user


def fatten(everleaf, like):
    """Certificates of as many names as CAs allow."""
    names = "[" + ",".join(f'"{n:02}-{"a" * 60}.{"b" * 60}.example.org"' for n in range(100)) + "]"
    everleaf.sql(f"update certs set domains = ? where name like '{like}'", names)


def test_no_question_ends_the_daemon(everleaf, name):
    everleaf.issue(name)
    large.forge(everleaf, name, HELD)
    everleaf.sql("update certs set live_version = 0 where name != ?", name)
    first = everleaf.sql(f"select name from certs where name like 'h%' order by name limit {MANY}")
    everleaf.sql("update certs set owner = 'anna', ca = 'letsencrypt' where name >= 'h' and name <= ?", first[-1][0])
    with Serve(everleaf) as daemon:
        admin = user(everleaf, daemon, "root", "admin")
        anna = user(everleaf, daemon, "anna", "user")
        # what is left of limits, of each of one's certificates
        said = anna.get("/limits")
        assert said["more"] is True and 0 < len(said["limits"]) <= 10000
        assert anna.get("/limits", names=first[0][0])["more"] is False
        # all that will end
        said = admin.get("/expiring", days=400)
        assert said["total"] == HELD + 1 and len(said["certificates"]) == 1000
        # pages of certificates with very many names
        fatten(everleaf, "h1%")
        assert len(admin.get("/certificates", limit=1000, q="h1")["items"]) == 1000
        assert daemon.get("/healthz")[0] == 200 and daemon.process.poll() is None
        wait_until(lambda: daemon.get("/readyz")[0] == 200, "the daemon to be ready")
