"""Large states, made by the database itself from one certificate that was really issued."""

import contextlib
import sqlite3

DAY = 86400
PER_ZONE = 997  # certificates are spread over so many domains
OWNERS = 1000
NUMBERS = "with recursive n(i) as (select 1 union all select i + 1 from n where i < {last}) "
NAME = "'h' || i || '.c' || (i % {per_zone}) || '.example.org'"


class Writer:
    """Runs statements on the database of an Everleaf, quickly: nothing of it has to outlive the machine's end."""

    def __init__(self, everleaf):
        self.everleaf = everleaf

    def run(self, *statements):
        if self.everleaf.database:
            server, name = self.everleaf.database
            server.sql("begin;\n" + ";\n".join(statements) + ";\ncommit;\nvacuum analyze;", name)
            return
        with contextlib.closing(sqlite3.connect(self.everleaf.state / "everleaf.db", isolation_level=None, timeout=60)) as db:
            db.execute("pragma synchronous = off")
            db.execute("pragma cache_size = -200000")
            db.execute("begin")
            for statement in statements:
                db.execute(statement)
            db.execute("commit")
            db.execute("pragma wal_checkpoint(truncate)")


def copies(everleaf, table, key, one, changed, numbers):
    """An insert of a copy of a row for each number, other than the columns that are given."""
    columns = [column for column in everleaf.columns(table) if column != "id"]
    values = ", ".join(changed.get(column, f"x.{column}") for column in columns)
    return f"{numbers} insert into {table} ({', '.join(columns)}) select {values} from {table} x, n where x.{key} = '{one}'"


def forge(everleaf, one, n, versions=False):
    """n certificates like the one named, none due for half a month: their ends lie within a month and a half, a tenth is of
    `big` and another CA, the others of a thousand owners. versions: their chains too, as many bytes as in life."""
    numbers = NUMBERS.format(last=n)
    name = f"({NAME.format(per_zone=PER_ZONE)})"
    [(now,)] = everleaf.sql("select not_after from certs where name = ?", one)
    ends = f"({now} - (cast(i as bigint) * 7919 % {45 * DAY}))"
    certs = {"name": name, "domains": f"('[\"' || {name} || '\"]')",
             "owner": f"case when i % 10 = 0 then 'big' else 'o' || (i % {OWNERS}) end",
             "ca": "case when i % 10 = 0 then 'other' else x.ca end",
             "not_after": ends, "renew_at": f"{ends} - {30 * DAY}", "created_at": f"{ends} - {90 * DAY}",
             "tell_at": f"{ends} - {30 * DAY}", "ari_id": "null", "ari_check_at": "0", "ari_renew_at": "0"}
    jobs = {"subject": name, "run_at": f"{ends} - {30 * DAY}"}
    names = [f"{numbers} insert into cert_names (cert, domain, whole) select {name}, {domain}, 0 from n"
             for domain in (name, f"'c' || (i % {PER_ZONE}) || '.example.org'", "'example.org'")]
    Writer(everleaf).run(copies(everleaf, "certs", "name", one, certs, numbers),
                         copies(everleaf, "jobs", "subject", one, jobs, numbers), *names,
                         *([copies(everleaf, "versions", "cert", one, {"cert": name, "key": "null"}, numbers)] if versions else []))


def request(everleaf, one, n):
    """n requests like the one named, due at once; gives their names."""
    numbers = NUMBERS.format(last=n)
    name = "('due' || i || '.example.org')"
    certs = {"name": name, "domains": f"('[\"' || {name} || '\"]')", "status": "'pending'", "ari_id": "null", "serial": "null",
             "issued_identity": "null", **{column: "0" for column in (
                 "not_after", "not_before", "renew_at", "retry_at", "live_version", "ari_check_at", "ari_renew_at", "unfinished")}}
    Writer(everleaf).run(copies(everleaf, "certs", "name", one, certs, numbers),
                         copies(everleaf, "jobs", "subject", one, {"subject": name, "run_at": "1"}, numbers),
                         f"{numbers} insert into cert_names (cert, domain, whole) select {name}, {name}, 0 from n")
    return [f"due{i}.example.org" for i in range(1, n + 1)]
