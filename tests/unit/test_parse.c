/* The command line's parser: what each line means, and the one line each mistake is answered with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "cli/args.h"
#include "cli/parse.h"

#define WORDS_MAX 40

static struct cli cli;

static int setup(void **state)
{
	unsetenv("EVERLEAF_STATE");
	unsetenv("EVERLEAF_CONFIG");
	unsetenv("EVERLEAF_DATABASE");
	unsetenv("EVERLEAF_CA_BUNDLE");
	return chdir("/tmp");
}

/* line: words between single blanks; "''" is the empty one. */
static int parsed(const char *line, struct err *e)
{
	const char *argv[WORDS_MAX] = { "everleaf" };
	int argc = 1;

	arena_free(cli.arena);
	cli = (struct cli){ .arena = arena_new(0) };
	while (*line) {
		size_t len = strcspn(line, " ");

		assert_true(argc < WORDS_MAX);
		argv[argc++] = len == 2 && memcmp(line, "''", 2) == 0
		                   ? ""
		                   : arena_strndup(cli.arena, line, len);
		line += len + (line[len] == ' ');
	}
	return parse(&cli, argc, argv, e);
}

static void fine(const char *line)
{
	struct err e = { 0 };

	if (parsed(line, &e) < 0)
		fail_msg("\"%s\": %s", line, e.text);
}

static const struct cert *values(void)
{
	return &((struct cert_change *)cli.args)->values;
}

static const struct strings *given(void)
{
	return &((struct cert_change *)cli.args)->given;
}

static void mistakes(void **state)
{
	static const struct {
		const char *line, *want; /* a part of the text */
	} cases[] = {
		{ "", "no command was given" },
		{ "--json", "no command was given" },
		{ "isue", "unknown command `isue`; did you mean `issue`?" },
		{ "xyzzyplugh", "unknown command `xyzzyplugh`; see `everleaf --help`" },
		{ "account", "`everleaf account` needs one of: register, list," },
		{ "account regster",
		  "unknown command `account regster`; did you mean `register`?" },
		{ "ca", "needs one of: list, show, add, delete" },
		{ "issue a.example --webroot /w --forc",
		  "unknown option --forc for `everleaf issue`; did you mean --force?" },
		{ "issue a.example --xyzzyplugh",
		  "unknown option --xyzzyplugh for `everleaf issue`; see `everleaf issue --help`" },
		{ "issue a.example --agent host", "unknown option --agent for" },
		{ "list -x", "unknown option -x for `everleaf list`" },
		{ "issue -example.com --alpn", "unknown option -e in -example.com" },
		{ "--force issue", "options of a command stand after its name" },
		{ "issue --webroot", "--webroot needs a value: --webroot DIR" },
		{ "issue a.example --webroot --force", "--webroot needs a value" },
		{ "issue a.example --webroot ''", "--webroot needs a value" },
		{ "list --state", "--state needs a value: --state DIR" },
		{ "list --json=yes", "--json takes no value" },
		{ "issue a.example", "say how the names are proved: one of --webroot DIR" },
		{ "issue a.example --webroot /a --standalone",
		  "--webroot and --standalone exclude each other" },
		{ "issue a.example --webroot /a --webroot /b", "--webroot was given twice" },
		{ "issue --webroot /a", "needs at least one name, or --from FILE" },
		{ "issue a.example --from f --webroot /a",
		  "--from and names exclude each other; put \"a.example\" into the file" },
		{ "issue --from f --name x --webroot /a", "--from and --name exclude each other" },
		{ "issue --from f --csr x --webroot /a", "--from and --csr exclude each other" },
		{ "issue a.example --csr x --key y --webroot /a",
		  "--csr and --key exclude each other" },
		{ "issue a.example --key - --keystore-password-file - --webroot /a",
		  "cannot both read standard input" },
		{ "issue a.example --webroot /a --hook-chain",
		  "--hook-chain does not go with --webroot, only with --hook" },
		{ "issue a.example --alpn --challenge dns-01",
		  "only with --hook, --manual or --dns" },
		{ "issue a.example --manual --challenge tls-alpn-01",
		  "\"tls-alpn-01\" is not one of dns-01, http-01" },
		{ "issue a.example --webroot /a --key-type rsa1024",
		  "--key-type: \"rsa1024\" is not one of ec256, ec384, rsa2048" },
		{ "issue a.example --standalone=here", "is not ADDR:PORT" },
		{ "issue a.example --standalone=:0", "is not ADDR:PORT" },
		{ "issue a.example --webroot /a --renew-before 3/1",
		  "neither a number of days like 15d nor a fraction like 1/3" },
		{ "issue a.example --webroot /a --jobs 0",
		  "--jobs: \"0\" is not a number from 1 to 256" },
		{ "renew --days 1x", "\"1x\" is not a number" },
		{ "renew --days -1", "\"-1\" is not a number" },
		{ "renew --jobs 1 --jobs 2", "--jobs was given twice" },
		{ "show", "`everleaf show` needs more: everleaf show NAME" },
		{ "show ''", "an empty word was given" },
		{ "show a b", "\"b\" is one word too many: everleaf show NAME" },
		{ "list a", "\"a\" is one word too many" },
		{ "list --status good", "is not one of pending, issued, failed, revoked, expired" },
		{ "revoke a --reason lost", "is not one of unspecified, keyCompromise" },
		{ "account deactivate a", "cannot be undone; add --yes" },
		{ "account delete a", "add --yes" },
		{ "account update a", "`everleaf account update` needs --email ADDR" },
		{ "ca add lab", "needs more: everleaf ca add NAME URL" },
		{ "ca add lab https://x --http-port 65536", "is not a number from 1 to 65535" },
		{ "set a --force", "unknown option --force for `everleaf set`" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = { 0 };

		if (parsed(cases[i].line, &e) != -ERR_USAGE)
			fail_msg("\"%s\" was accepted", cases[i].line);
		if (!strstr(e.text, cases[i].want))
			fail_msg("\"%s\": \"%s\" does not say \"%s\"", cases[i].line, e.text,
			         cases[i].want);
		assert_null(strchr(e.text, '\n'));
		assert_int_equal(err_exit_status(e.code), 2);
	}
}

static void ways_to_prove(void **state)
{
	static const struct {
		const char *line, *method, *challenge, *listen, *webroot, *hook;
	} cases[] = {
		{ "issue a.example --webroot /w", "webroot", "http-01", NULL, "/w", NULL },
		{ "issue a.example --webroot w", "webroot", "http-01", NULL, "/tmp/w", NULL },
		{ "issue --webroot=/w a.example", "webroot", "http-01", NULL, "/w", NULL },
		{ "issue a.example --standalone", "standalone", "http-01", ":80", NULL, NULL },
		{ "issue --standalone a.example", "standalone", "http-01", ":80", NULL, NULL },
		{ "issue --standalone 2001:db8::1", "standalone", "http-01", ":80", NULL, NULL },
		{ "issue --standalone 127.0.0.1:5002 a.example", "standalone", "http-01",
		  "127.0.0.1:5002", NULL, NULL },
		{ "issue --standalone [::1]:5002 a.example", "standalone", "http-01", "[::1]:5002",
		  NULL, NULL },
		{ "issue --standalone :5002 a.example", "standalone", "http-01", ":5002", NULL,
		  NULL },
		{ "issue --standalone=localhost:5002 a.example", "standalone", "http-01",
		  "localhost:5002", NULL, NULL },
		{ "issue --alpn a.example", "alpn", "tls-alpn-01", ":443", NULL, NULL },
		{ "issue --alpn :5001 a.example", "alpn", "tls-alpn-01", ":5001", NULL, NULL },
		{ "issue --dns-persist a.example", "dns-persist", "dns-persist-01", NULL, NULL,
		  NULL },
		{ "issue --dns home --dns b.example=cloud b.example", "dns", "dns-01", NULL, NULL,
		  NULL },
		{ "issue --dns home --challenge dns-account-01 a.example", "dns", "dns-account-01",
		  NULL, NULL, NULL },
		{ "issue --hook ./h a.example", "hook", "dns-01", NULL, NULL, "/tmp/./h" },
		{ "issue --challenge http-01 --hook /h a.example", "hook", "http-01", NULL, NULL,
		  "/h" },
		{ "issue --manual a.example", "manual", NULL, NULL, NULL, NULL },
		{ "issue --manual --challenge dns-01 a.example", "manual", "dns-01", NULL, NULL,
		  NULL },
		{ "set a.example --alpn", "alpn", "tls-alpn-01", ":443", NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		fine(cases[i].line);
		assert_string_equal(values()->method, cases[i].method);
#define SAME(member)                                                                               \
	if (cases[i].member && values()->member)                                                   \
		assert_string_equal(values()->member, cases[i].member);                            \
	else                                                                                       \
		assert_true(cases[i].member == values()->member)
		SAME(challenge);
		SAME(listen);
		SAME(webroot);
		SAME(hook);
		assert_true(strings_has(given(), "method") && strings_has(given(), "challenge"));
		assert_int_equal(cli.words.n, 1);
	}
}

static void fields_given(void **state)
{
	fine("issue b.example *.b.example --manual --key-type rsa2048 --ca lab --no-preflight "
	     "--deploy-hook one --deploy-hook=/two --profile '' "
	     "--renew-before 1/3");
	assert_int_equal(cli.words.n, 2);
	assert_string_equal(values()->key_type, "rsa2048");
	assert_string_equal(values()->ca, "lab");
	assert_false(values()->preflight);
	assert_int_equal(values()->deploy_hooks.n, 2);
	assert_string_equal(values()->deploy_hooks.v[0], "/tmp/one");
	assert_string_equal(values()->deploy_hooks.v[1], "/two");
	assert_null(values()->profile);
	static const char *const want[] = {
		"method",    "challenge",    "key_type", "ca",
		"preflight", "deploy_hooks", "profile",  "renew_before"
	};
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_true(strings_has(given(), want[i]));
	assert_int_equal(given()->n, ARRAY_LEN(want));
}

/* A hook without --hook-chain is called name by name, whatever was kept. */
static void hook_chain(void **state)
{
	fine("issue a.example --hook /h --hook-chain");
	assert_true(values()->hook_chain && strings_has(given(), "hook_chain"));
	fine("issue a.example --hook /h");
	assert_true(!values()->hook_chain && strings_has(given(), "hook_chain"));
	fine("set a.example --hook-chain");
	assert_true(values()->hook_chain);
}

static void other_arguments(void **state)
{
	fine("issue --from list --webroot /w --jobs 3 --email a@example.org --email b@example.org "
	     "--agree-tos --force --dry-run");
	const struct issue_args *issue = cli.args;
	assert_string_equal(issue->from, "list");
	assert_int_equal(issue->issue.jobs, 3);
	assert_int_equal(issue->issue.emails.n, 2);
	assert_true(issue->issue.agree_tos && issue->issue.force && issue->issue.dry_run);

	fine("export a.example -o out.p12 --format=pkcs12 --legacy");
	const struct export_args *export = cli.args;
	assert_string_equal(export->export.output, "out.p12");
	assert_string_equal(export->export.format, "pkcs12");
	assert_true(export->export.legacy);
	fine("export a.example -oout");
	assert_string_equal(((const struct export_args *)cli.args)->export.output, "out");

	fine("log a.example -f");
	assert_true(((const struct log_args *)cli.args)->follow);

	fine("ca add lab https://ca.example/dir --ca-bundle own --http-port 5002 --resolver "
	     "127.0.0.1:8053");
	const struct ca_add_args *add = cli.args;
	assert_string_equal(add->ca.ca_bundle_file, "own");
	assert_null(cli.globals.ca_bundle);
	assert_int_equal(add->http_port, 5002);
}

static void global_options_anywhere(void **state)
{
	static const char *const lines[] = { "--state /s --json -qv account --config /c list",
		                             "account list --state=/s --config=/c --json -q -v",
		                             "account --json -vq list --config /c --state /s" };

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		fine(lines[i]);
		assert_string_equal(cli.command->words, "account list");
		assert_string_equal(cli.globals.state_dir, "/s");
		assert_string_equal(cli.globals.config_file, "/c");
		assert_true(cli.globals.json);
		assert_int_equal(cli.globals.quiet, 1);
		assert_int_equal(cli.globals.verbose, 1);
	}
	fine("--ca-bundle /global ca add x https://x --ca-bundle own");
	assert_string_equal(cli.globals.ca_bundle, "/global");
}

/* The daemon is given names, which no folder of this machine is put before. */
static void names_for_a_daemon(void **state)
{
	fine("issue a.example --webroot www --server https://d.example --deploy-hook reload");
	const struct issue_args *args = cli.args;
	assert_string_equal(args->change.values.webroot, "www");
	assert_string_equal(args->change.values.deploy_hooks.v[0], "reload");
	fine("issue a.example --webroot www --deploy-hook reload");
	args = cli.args;
	assert_int_equal(args->change.values.webroot[0], '/');
	assert_int_equal(args->change.values.deploy_hooks.v[0][0], '/');
}

static void environment(void **state)
{
	setenv("EVERLEAF_STATE", "/from-env", 1);
	setenv("EVERLEAF_CONFIG", "", 1);
	fine("list");
	assert_string_equal(cli.globals.state_dir, "/from-env");
	assert_null(cli.globals.config_file);
	fine("list --state /given");
	assert_string_equal(cli.globals.state_dir, "/given");
	unsetenv("EVERLEAF_STATE");
	unsetenv("EVERLEAF_CONFIG");
}

static void words_after_dashes(void **state)
{
	fine("show -- --webroot");
	assert_string_equal(cli.words.v[0], "--webroot");
	fine("-- show a");
	assert_string_equal(cli.command->words, "show");
	fine("account import -");
	assert_string_equal(cli.words.v[0], "-");
}

static void help_wants_nothing(void **state)
{
	fine("issue --help");
	assert_true(cli.globals.help && cli.command);
	fine("account --help");
	assert_string_equal(cli.group, "account");
	fine("--version");
	assert_true(cli.globals.version);
}

static void addresses(void **state)
{
	static const struct {
		const char *s;
		bool want;
	} cases[] = {
		{ ":80", true },
		{ "127.0.0.1:80", true },
		{ "[::1]:443", true },
		{ "localhost:65535", true },
		{ ":65536", false },
		{ ":0", false },
		{ ":", false },
		{ "", false },
		{ "80", false },
		{ "example.org", false },
		{ "2001:db8::1", false },
		{ "::1", false },
		{ "[::1]", false },
		{ "[x]:80", false },
		{ "a b:80", false },
		{ ":8 0", false },
		{ "256.1.1.1:80", false },
		{ "1.2.3:80", false },
		{ "http://x:80", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (is_address(cases[i].s) != cases[i].want)
			fail_msg("%s", cases[i].s);
	}
}

static void renewal_policies(void **state)
{
	static const char *const good[] = { "15d", "1d", "3650d", "1/3", "1/2", "2/3", "99/100" };
	static const char *const bad[] = {
		"",    "d",   "0d", "15", "15 d", "3651d", "-1d",  "1/1",
		"3/1", "0/3", "1/", "/3", "1/3d", "1/101", "1.5d", "15dd"
	};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(is_renewal_policy(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(is_renewal_policy(bad[i]));
}

/* Every field that an option names is there, so that no option is silently lost. */
static void options_name_real_fields(void **state)
{
	OPTION_EACH (o, cert_options) {
		if (o->kind == OPT_CERT && o->field && !field_find(cert_fields, o->field))
			fail_msg("--%s: no field %s", o->name, o->field);
	}
	COMMAND_EACH(c)
	{
		assert_true(c->help && *c->help && c->synopsis);
		if (c->shared == cert_options)
			assert_true(c->args_size >= sizeof(struct cert_change));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(mistakes, setup),
		cmocka_unit_test_setup(ways_to_prove, setup),
		cmocka_unit_test_setup(fields_given, setup),
		cmocka_unit_test_setup(hook_chain, setup),
		cmocka_unit_test_setup(other_arguments, setup),
		cmocka_unit_test_setup(names_for_a_daemon, setup),
		cmocka_unit_test_setup(global_options_anywhere, setup),
		cmocka_unit_test_setup(environment, setup),
		cmocka_unit_test_setup(words_after_dashes, setup),
		cmocka_unit_test_setup(help_wants_nothing, setup),
		cmocka_unit_test(addresses),
		cmocka_unit_test(renewal_policies),
		cmocka_unit_test(options_name_real_fields),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	arena_free(cli.arena);
	return failed;
}
