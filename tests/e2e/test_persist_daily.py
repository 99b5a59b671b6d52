"""The daemon looks once a day whether the records that stay are as they should be, and tells when one is not."""

import pytest

from env import Serve
from env.process import wait_until
from env.smtp import SmtpServer
from test_dns_persist import DAY, ZONE, bind, ca, everleaf, key, persist, url_of  # noqa: F401

NAME = f"_validation-persist.{ZONE}"


@pytest.mark.threads
def test_once_a_day(everleaf, bind, lab, tmp_path):  # noqa: F811
    with SmtpServer(tmp_path / "smtp", lab) as smtp:
        path = everleaf.folder / "mail.json"
        path.write_text(smtp.settings())
        path.chmod(0o600)
        everleaf.secret(smtp.login[1])
        everleaf.run("notify", "add", "mail", "mail", "--settings", path, "--event", "persist-ending")
        persist(everleaf, "publish", ZONE, "--dns", "home")
        everleaf.json("issue", ZONE, "--dns-persist", "--ca", "lab")
        daemon = Serve(everleaf)

        def looked():
            return everleaf.sql("select value from meta where name = 'last_persist_look'")

        def run_at(seconds):
            daemon.stop()
            before = looked()
            daemon.clock(seconds)
            daemon.start()
            return before

        run_at(0)
        wait_until(looked, "the first look")
        assert smtp.received == [], "all is as it should be"
        record, = [value for value in bind.txt(NAME)]
        everleaf.run("dns", "cleanup", "home", NAME, record)
        before = run_at(DAY // 2)
        wait_until(lambda: daemon.metrics()["everleaf_last_look_timestamp_seconds"], "a pass")
        assert looked() == before, "half a day later it is not looked at"
        before = run_at(DAY + 60)
        wait_until(lambda: looked() != before, "a look a day later")
        mail, = smtp.await_mails(1)
        assert f"{ZONE}: the record that proves it is missing" in mail.subject and record in mail.text
        before = run_at(2 * DAY + 120)
        wait_until(lambda: looked() != before, "a look another day later")
        bind.stop()
        before = run_at(3 * DAY + 180)
        wait_until(lambda: looked() != before, "a look at a name server that does not answer", limit_s=60)
        daemon.stop()
        assert len(smtp.received) == 1, "the same is told once, and what cannot be seen is not told"
