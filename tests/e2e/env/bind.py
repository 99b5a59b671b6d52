"""BIND: a primary that takes updates, a secondary, or a resolver with a root of the laboratory's own."""

from env.nameserver import NameServer, zone_text
from env.unpacked import unpacked

OPTIONS = """\
options {{
    directory "{folder}"; pid-file "named.pid"; session-keyfile "session.key"; managed-keys-directory ".";
    listen-on port {port} {{ {v4} }}; listen-on-v6 port {port} {{ {v6} }};
    recursion {recursion}; dnssec-validation no; notify explicit; notify-delay 0; empty-zones-enable no;
    allow-transfer {{ any; }}; allow-query {{ any; }}; {options}
}};
controls {{ }};
"""


class Bind(NameServer):
    """policy(zone) -> the statement that lets updates in; config (whole zone statements) and options are added as they are;
    more are further addresses to listen on."""

    def __init__(self, folder, keys=(), zones=("example.test",), address="127.0.0.1", port=None, policy=None,
                 config="", options="", recursion=False, name="named", more=()):
        super().__init__(name, folder, keys, zones, address, port)
        self.policy = policy or self.all_keys
        self.config, self.options, self.recursion, self.more = config, options, recursion, more

    def all_keys(self, zone):
        return "update-policy { " + "".join(f"grant {key.name}. zonesub TXT; " for key in self.keys) + "};"

    def write_zone(self, zone, text=None):
        path = self.folder / f"{zone or 'root'}.db"
        path.write_text(text or zone_text(zone))
        return path

    def write_config(self):
        listen = [self.address, *self.more]
        v4, v6 = (" ".join(f"{a};" for a in listen if (":" in a) == six) or "none;" for six in (False, True))
        text = "".join(key.bind for key in self.keys)
        text += OPTIONS.format(folder=self.folder, port=self.port, v4=v4, v6=v6, options=self.options,
                               recursion="yes" if self.recursion else "no")
        for zone in self.zones:
            text += f'zone "{zone}" {{ type primary; file "{self.write_zone(zone)}"; {self.policy(zone)} }};\n'
        path = self.folder / f"{self.name}.conf"
        path.write_text(text + self.config)
        return path

    def start(self):
        program, env = unpacked("bind9", "usr/sbin/named")
        self.spawn([*self.prefix, program, "-c", self.write_config(), "-n", "1", "-g"], env=env)
        self.await_ready(lambda: "all zones loaded" in self.log() and "running" in self.log())
        return self
