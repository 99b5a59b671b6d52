"""Knot DNS as a primary that takes updates."""

from env.nameserver import NameServer, zone_text
from env.unpacked import unpacked


class Knot(NameServer):
    """owner_names: what the keys may write, relative to the zone; None = anything below it."""

    def __init__(self, folder, keys=(), zones=("example.test",), address="127.0.0.1", port=None, owner_names=None):
        super().__init__("knotd", folder, keys, zones, address, port)
        self.owner_names = owner_names

    def write_config(self):
        lines = ["server:", f"    listen: {self.address}@{self.port}", f'    rundir: "{self.folder}"', "log:",
                 "  - target: stderr", "    any: info", "database:", f'    storage: "{self.folder}/db"', "key:"]
        for key in self.keys:
            lines += [f"  - id: {key.name}", f"    algorithm: {key.algorithm}", f"    secret: {key.secret}"]
        lines += ["acl:", "  - id: look", "    address: 127.0.0.1", "    action: transfer", "  - id: update",
                  f"    key: [{', '.join(key.name for key in self.keys)}]", "    action: update", "    update-type: [TXT]"]
        if self.owner_names is not None:
            lines += ["    update-owner: name", "    update-owner-match: sub-or-equal",
                      f"    update-owner-name: [{', '.join(self.owner_names)}]"]
        lines += ["zone:"]
        for zone in self.zones:
            (self.folder / f"{zone}.db").write_text(zone_text(zone))
            lines += [f"  - domain: {zone}", f'    storage: "{self.folder}"', f'    file: "{zone}.db"',
                      "    acl: [look, update]"]
        (self.folder / "db").mkdir(exist_ok=True)
        path = self.folder / "knot.conf"
        path.write_text("\n".join(lines) + "\n")
        return path

    def start(self):
        program, env = unpacked("knot", "usr/sbin/knotd")
        self.spawn([program, "-c", self.write_config()], env=env)
        self.await_ready(self.answers)
        return self
