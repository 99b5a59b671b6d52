"""unbound: a resolver that validates, with trust anchors and zones of the laboratory's own."""

from env.ports import free_port
from env.process import Daemon
from env.unpacked import unpacked

CONFIG = """\
server:
    directory: "{folder}"
    chroot: ""
    username: ""
    pidfile: "{folder}/unbound.pid"
    use-syslog: no
    verbosity: 1
    interface: 127.0.0.1@{port}
    port: {port}
    access-control: 127.0.0.0/8 allow
    do-not-query-localhost: no
    do-ip6: no
    module-config: "validator iterator"
    trust-anchor-signaling: no
    local-zone: "test." nodefault
{options}
{anchors}
remote-control:
    control-enable: no
{stubs}
"""


class Unbound(Daemon):
    """zones: {zone: ADDR@PORT of its server}. anchors: trust anchors, as a zone file has DS records. options: further lines
    of its server."""

    def __init__(self, folder, zones, anchors=(), options=(), prefix=()):
        super().__init__("unbound", folder)
        self.zones, self.anchors, self.options = zones, anchors, options
        self.port = free_port()
        self.prefix = prefix  # of its command: enters the network namespace that it is in

    @property
    def server(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        path = self.folder / "unbound.conf"
        path.write_text(CONFIG.format(
            folder=self.folder, port=self.port, options="".join(f"    {line}\n" for line in self.options),
            anchors="".join(f'    trust-anchor: "{anchor}"\n' for anchor in self.anchors),
            stubs="".join(f'stub-zone:\n    name: "{zone}"\n    stub-addr: {server}\n    stub-prime: no\n'
                          for zone, server in self.zones.items())))
        program, env = unpacked("unbound", "usr/sbin/unbound")
        self.spawn([*self.prefix, program, "-d", "-c", path], env=env)
        self.await_ready(lambda: "start of service" in self.log())
        return self
