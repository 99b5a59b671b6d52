/* serve: hands what was typed to the daemon, which opens the state with a cancel token of its own.
 */
#include "cli/args.h"
#include "cli/cmd.h"
#include "daemon/serve.h"

int cmd_serve(struct cli *c, struct err *e)
{
	const struct serve_args *args = c->args;
	const struct serve_options options = {
		.ops = { .state_dir = c->globals.state_dir,
		         .config_file = c->globals.config_file,
		         .database_url = c->globals.database_url,
		         .ca_bundle = c->globals.ca_bundle,
		         .command = "everleaf serve",
		         .create_state = true },
		.listen = args->listen,
		.tls_name = args->tls_name,
		.http = args->http,
		.alpn = args->alpn,
		.jobs = (unsigned)args->jobs,
	};

	return serve(&options, e);
}
