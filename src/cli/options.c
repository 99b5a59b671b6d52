/*
 * The options of every command. The words of the help, the man pages and the completion scripts
 * come from here. An option that keeps something in the certificate names its field; the others
 * name a member of the command's argument struct.
 */
#include <stddef.h>

#include "cli/args.h"

#define TO(T, member) .offset = offsetof(struct T, member)

static const char *const key_types[] = { "ec256", "ec384", "rsa2048", "rsa3072", "rsa4096", NULL };
static const char *const signatures[] = { "sha256", "sha384", "sha512", NULL };
static const char *const key_policies[] = { "new", "same", NULL };
static const char *const challenges[] = { "dns-01", "http-01", "dns-account-01", NULL };
static const char *const keystores[] = { "pem", "pkcs12", "jks", NULL };
static const char *const statuses[] = { "pending", "issued", "failed", "revoked", "expired", NULL };
static const char *const formats[] = { "pem", "pkcs12", "jks", "der", NULL };
static const char *const parts[] = { "all", "fullchain", "cert", "chain", "key", NULL };
static const char *const reasons[] = { "unspecified",          "keyCompromise",      "superseded",
	                               "cessationOfOperation", "affiliationChanged", NULL };
static const char *const key_formats[] = { "pem", "jwk", NULL };

const struct option global_options[] = {
	{ "state", .kind = OPT_STRING, .arg = "DIR", TO(globals, state_dir),
	  .env = "EVERLEAF_STATE",
	  .help = "where everything lives (default /var/lib/everleaf as root, else "
	          "$XDG_STATE_HOME/everleaf)" },
	{ "config", .kind = OPT_STRING, .arg = "FILE", TO(globals, config_file),
	  .env = "EVERLEAF_CONFIG",
	  .help = "configuration file (default /etc/everleaf/everleaf.yaml if it is there)" },
	{ "database", .kind = OPT_STRING, .arg = "URL", TO(globals, database_url),
	  .env = "EVERLEAF_DATABASE",
	  .help =
	      "sqlite:FILE, or postgresql://HOST/DATABASE for several nodes (default: everleaf.db "
	      "in "
	      "the state folder); one with a password goes into the variable, or the password into "
	      "a file that `passfile=FILE` in the URL names or a service file, since others see a "
	      "command's words; ~/.pgpass is read in the home folder of whoever runs the command, "
	      "the daemon's user has its own" },
	{ "ca-bundle", .kind = OPT_STRING, .arg = "FILE", TO(globals, ca_bundle),
	  .env = "EVERLEAF_CA_BUNDLE",
	  .help = "trust anchors for the ACME server's own TLS (default: the system's)" },
	{ "server", .kind = OPT_STRING, .arg = "URL", TO(globals, server), .env = "EVERLEAF_SERVER",
	  .help = "ask the daemon at this address instead of the local state, and wait for the job "
	          "it makes" },
	{ "token-file", .kind = OPT_STRING, .arg = "FILE", TO(globals, token_file),
	  .env = "EVERLEAF_TOKEN_FILE",
	  .help = "with --server: the file with its API token (or EVERLEAF_TOKEN holds the token "
	          "itself)" },
	{ "server-ca-bundle", .kind = OPT_STRING, .arg = "FILE", TO(globals, server_ca_bundle),
	  .env = "EVERLEAF_SERVER_CA_BUNDLE",
	  .help = "with --server: trust anchors for the daemon's TLS (default: the system's)" },
	{ "json", .kind = OPT_FLAG, TO(globals, json),
	  .help = "print one JSON document on standard output, and nothing else there" },
	{ "quiet", .letter = 'q', .kind = OPT_COUNT, TO(globals, quiet),
	  .help = "no progress; twice: errors only" },
	{ "verbose", .letter = 'v', .kind = OPT_COUNT, TO(globals, verbose),
	  .help = "more on standard error; twice: every request" },
	{ "help", .letter = 'h', .kind = OPT_FLAG, TO(globals, help),
	  .help = "explain the command" },
	{ "version", .kind = OPT_FLAG, TO(globals, version), .help = "print the version" },
	{ 0 }
};

const struct option cert_options[] = {
#include "cli/how.def"
	/* the certificate */
	{ "account", .kind = OPT_CERT, .arg = "NAME", .field = "account",
	  .help = "the account to use (default: the only one, or the default one)" },
	{ "owner", .kind = OPT_CERT, .arg = "USER", .field = "owner",
	  .help = "whose it is (over --server default: who asks)" },
	{ "ca", .kind = OPT_CERT, .arg = "CA", .field = "ca",
	  .help = "a CA's name (see 'everleaf ca list') or directory URL (default letsencrypt)" },
	{ "key-type", .kind = OPT_CERT, .arg = "TYPE", .values = key_types, .field = "key_type",
	  .help = "the private key's kind (default ec256)" },
	{ "signature", .kind = OPT_CERT, .arg = "DIGEST", .values = signatures,
	  .field = "signature", .help = "digest of the request's signature" },
	{ "key-policy", .kind = OPT_CERT, .arg = "POLICY", .values = key_policies,
	  .field = "key_policy",
	  .help = "a new private key at each renewal, or the same (default new)" },
	{ "key", .kind = OPT_STRING, .arg = "FILE", .flags = OPTION_READS,
	  TO(issue_args, change.key_file),
	  .help = "use this private key, for this and every later renewal" },
	{ "csr", .kind = OPT_STRING, .arg = "FILE", .flags = OPTION_READS,
	  TO(issue_args, change.csr_file), .help = "have this request signed, as it is" },
	{ "profile", .kind = OPT_CERT, .arg = "NAME", .field = "profile",
	  .help = "ACME profile, one of those the CA offers" },
	{ "preferred-chain", .kind = OPT_CERT, .arg = "CN", .field = "preferred_chain",
	  .help = "of the chains offered, the one whose top issuer has this common name" },
	{ "country", .kind = OPT_CERT, .arg = "CC", .field = "country",
	  .help = "subject: two-letter country code" },
	{ "province", .kind = OPT_CERT, .arg = "TEXT", .field = "province",
	  .help = "subject: state or province" },
	{ "city", .kind = OPT_CERT, .arg = "TEXT", .field = "city", .help = "subject: city" },
	{ "organization", .kind = OPT_CERT, .arg = "TEXT", .field = "organization",
	  .help = "subject: organization" },
	{ "unit", .kind = OPT_CERT, .arg = "TEXT", .field = "unit",
	  .help = "subject: organizational unit" },
	{ "subject-email", .kind = OPT_CERT, .arg = "ADDR", .field = "subject_email",
	  .help = "subject: mail address" },
	{ "renew-before", .kind = OPT_CERT, .arg = "15d|1/3", .field = "renew_before",
	  .flags = OPTION_RENEWAL,
	  .help = "renew this many days, or this fraction of the lifetime, before the end" },
	{ "preflight", .kind = OPT_CERT, .field = "preflight",
	  .help = "look first whether validation can succeed (the default)" },
	{ "no-preflight", .kind = OPT_CERT, .field = "preflight", .flags = OPTION_NEGATIVE,
	  .help = "do not look first whether validation can succeed, nor what the CA's rate limits "
	          "allow" },
	{ "keystore", .kind = OPT_CERT, .arg = "FORMAT", .values = keystores, .field = "keystore",
	  .help = "also keep it in this format" },
	{ "keystore-password-file", .kind = OPT_STRING, .arg = "FILE", .flags = OPTION_READS,
	  TO(issue_args, change.keystore_password_file),
	  .help = "the key store's password; kept sealed and used at every renewal" },
	{ "self-signed-first", .kind = OPT_CERT, .field = "self_signed_first",
	  .help = "a self-signed certificate stands in until the real one is there" },
	{ "deploy-hook", .kind = OPT_CERT, .arg = "FILE", .field = "deploy_hooks",
	  .flags = OPTION_ABSOLUTE,
	  .help = "run this program after this and every later renewal; repeatable" },
	{ 0 }
};

const struct option preflight_options[] = {
#include "cli/how.def"
	{ "account", .kind = OPT_CERT, .arg = "NAME", .field = "account",
	  .help = "the account that would ask (default: the only one, or the default one)" },
	{ "ca", .kind = OPT_CERT, .arg = "CA", .field = "ca",
	  .help = "the CA that would be asked, by name or directory URL (default letsencrypt)" },
	{ "profile", .kind = OPT_CERT, .arg = "NAME", .field = "profile",
	  .help = "the ACME profile that would be asked for" },
	{ 0 }
};

const struct option issue_options[] = {
	{ "name", .kind = OPT_CERT, .arg = "NAME", .field = "name", .flags = OPTION_NAME_SET,
	  .help = "what the certificate is called here (default: its first name)" },
	{ "from", .kind = OPT_STRING, .arg = "FILE", .flags = OPTION_READS, TO(issue_args, from),
	  .help = "many at once: a certificate on each line, NAME [NAME...] [> CERTNAME]" },
	{ "jobs", .kind = OPT_NUMBER, .arg = "N", .min = 1, .max = 256, TO(issue_args, issue.jobs),
	  .help = "so many at once (default 8)" },
	{ "email", .kind = OPT_STRINGS, .arg = "ADDR", TO(issue_args, issue.emails),
	  .help = "with --agree-tos: register an account with this address where there is none; "
	          "repeatable" },
	{ "agree-tos", .kind = OPT_FLAG, TO(issue_args, issue.agree_tos),
	  .help = "agree to the CA's terms of service" },
	{ "dry-run", .kind = OPT_FLAG, TO(issue_args, issue.dry_run),
	  .help = "try it all at the CA's staging directory and keep nothing" },
	{ "force", .kind = OPT_FLAG, TO(issue_args, issue.force),
	  .help = "even if nothing changed and nothing is due" },
	{ 0 }
};

const struct option renew_options[] = {
	{ "owner", .kind = OPT_STRING, .arg = "USER", TO(renew_args, renew.owner),
	  .help = "only those of this user" },
	{ "force", .kind = OPT_FLAG, TO(renew_args, renew.force), .help = "even what is not due" },
	{ "days", .kind = OPT_NUMBER, .arg = "N", .min = 1, .max = 36500,
	  TO(renew_args, renew.days), .help = "also what ends within N days" },
	{ "ask-again", .kind = OPT_FLAG, TO(renew_args, ask_again),
	  .help = "ask the CAs for the renewal information of all certificates first, whenever "
	          "they wanted to be asked" },
	{ "jobs", .kind = OPT_NUMBER, .arg = "N", .min = 1, .max = 256, TO(renew_args, renew.jobs),
	  .help = "so many at once (default 8)" },
	{ "dry-run", .kind = OPT_FLAG, TO(renew_args, renew.dry_run),
	  .help = "try it all at the CA's staging directory and keep nothing" },
	{ 0 }
};

const struct option list_options[] = {
	{ "expiring", .kind = OPT_NUMBER, .arg = "DAYS", .min = 1, .max = 36500,
	  TO(list_args, list.expiring_days), .help = "only those that end within so many days" },
	{ "status", .kind = OPT_STRING, .arg = "STATUS", .values = statuses,
	  TO(list_args, list.status), .help = "only those with this status" },
	{ "owner", .kind = OPT_STRING, .arg = "USER", TO(list_args, list.owner),
	  .help = "only those of this user" },
	{ 0 }
};

const struct option log_options[] = {
	{ "follow", .letter = 'f', .kind = OPT_FLAG, TO(log_args, follow),
	  .help = "wait for more until interrupted" },
	{ "verify", .kind = OPT_FLAG, TO(log_args, verify),
	  .help = "look whether every event is as it was written, and name the first that is not" },
	{ "head", .kind = OPT_STRING, .arg = "NUMBER:MAC", TO(log_args, head),
	  .help = "with --verify: a head that the daemon wrote to its log, which must be in it" },
	{ 0 }
};

const struct option snippet_options[] = {
	{ "http", .kind = OPT_STRING, .arg = "ADDR:PORT", .flags = OPTION_ADDRESS,
	  TO(snippet_args, http),
	  .help = "the daemon's http-01 responder (default: \"http\" of the configuration, or "
	          "127.0.0.1:8080)" },
	{ 0 }
};

const struct option export_options[] = {
	{ "format", .kind = OPT_STRING, .arg = "FORMAT", .values = formats,
	  TO(export_args, export.format), .help = "default pem" },
	{ "part", .kind = OPT_STRING, .arg = "PART", .values = parts, TO(export_args, export.part),
	  .help = "what of it (default all; cert for der)" },
	{ "output", .letter = 'o', .kind = OPT_STRING, .arg = "FILE",
	  TO(export_args, export.output),
	  .help = "write to FILE, readable by its owner only (default: standard output)" },
	{ "keystore-password-file", .kind = OPT_STRING, .arg = "FILE", .flags = OPTION_READS,
	  TO(export_args, export.password_file),
	  .help =
	      "the password of a pkcs12 or jks file (default: the one kept for this certificate)" },
	{ "legacy", .kind = OPT_FLAG, TO(export_args, export.legacy),
	  .help = "pkcs12 with the old ciphers that old Java and Windows read" },
	{ "mail", .kind = OPT_STRINGS, .arg = "ADDR", TO(export_args, export.mail),
	  .help = "send it to this address: the public parts, or a key store; repeatable" },
	{ "channel", .kind = OPT_STRING, .arg = "NAME", TO(export_args, export.channel),
	  .help = "the channel that mails it (default: the only one of kind mail)" },
	{ 0 }
};

const struct option revoke_options[] = {
	{ "reason", .kind = OPT_STRING, .arg = "REASON", .values = reasons, TO(revoke_args, reason),
	  .help = "why (default unspecified)" },
	{ "cert", .kind = OPT_STRING, .arg = "FILE", .flags = OPTION_READS,
	  TO(revoke_args, cert_file), .help = "a certificate that everleaf does not manage (PEM)" },
	{ "key", .kind = OPT_STRING, .arg = "FILE", .flags = OPTION_READS,
	  TO(revoke_args, key_file), .help = "its private key" },
	{ "ca", .kind = OPT_STRING, .arg = "CA", TO(revoke_args, ca),
	  .help = "the CA it came from (default letsencrypt)" },
	{ 0 }
};

const struct option verify_options[] = { { "new", .kind = OPT_FLAG, TO(verify_args, new_challenge),
	                                   .help = "throw the challenge away and print another" },
	                                 { 0 } };

const struct option backup_options[] = {
	{ "with-master-key", .kind = OPT_FLAG, TO(backup_args, with_master_key),
	  .help = "the master key too: whoever has the file then has all private keys" },
	{ 0 }
};

const struct option restore_options[] = { { "force", .kind = OPT_FLAG, TO(backup_args, replace),
	                                    .help = "replace what is in the state already" },
	                                  { 0 } };

const struct option database_copy_options[] = {
	{ "to", .kind = OPT_STRING, .arg = "URL", TO(backup_args, to), .flags = OPTION_NEEDED,
	  .help =
	      "the other database, which must be empty: postgresql://HOST/DATABASE or sqlite:FILE; "
	      "its password belongs in a file that `passfile=FILE` in the URL names, in ~/.pgpass "
	      "or in a service file" },
	{ 0 }
};

const struct option serve_options[] = {
	{ "listen", .kind = OPT_STRING, .arg = "ADDR:PORT", .flags = OPTION_ADDRESS,
	  TO(serve_args, listen),
	  .help = "where the API, /healthz, /readyz and /metrics are; with TLS where that is not "
	          "loopback (default 127.0.0.1:8470)" },
	{ "tls-name", .kind = OPT_STRING, .arg = "NAME", TO(serve_args, tls_name),
	  .help = "serve there with the certificate of this name, from when it is live; TLS on "
	          "loopback too" },
	{ "http", .kind = OPT_STRING, .arg = "ADDR:PORT", .flags = OPTION_ADDRESS,
	  TO(serve_args, http),
	  .help = "keep this port for http-01: certificates with --standalone there use it" },
	{ "alpn", .kind = OPT_STRING, .arg = "ADDR:PORT", .flags = OPTION_ADDRESS,
	  TO(serve_args, alpn),
	  .help = "keep this port for tls-alpn-01: certificates with --alpn there use it" },
	{ "jobs", .kind = OPT_NUMBER, .arg = "N", .min = 1, .max = 64, TO(serve_args, jobs),
	  .help = "so many certificates at once (default 8)" },
	{ 0 }
};

const struct option check_options[] = {
	{ "days", .kind = OPT_NUMBER, .arg = "N", .min = 1, .max = 36500, TO(check_args, days),
	  .help =
	      "how far ahead to look (default 7; a quarter of the lifetime for short-lived ones)" },
	{ 0 }
};

static const char *const eab_algs[] = { "HS256", "HS384", "HS512", NULL };

const struct option register_options[] = {
	{ "email", .kind = OPT_STRINGS, .arg = "ADDR", TO(register_args, account.emails),
	  .help = "a mail address the CA may write to; repeatable" },
	{ "agree-tos", .kind = OPT_FLAG, TO(register_args, account.agree_tos),
	  .help = "agree to the CA's terms of service" },
	{ "ca", .kind = OPT_STRING, .arg = "CA", TO(register_args, account.ca),
	  .help = "a CA's name or directory URL (default letsencrypt)" },
	{ "name", .kind = OPT_STRING, .arg = "NAME", TO(register_args, account.name),
	  .help = "what the account is called here (default: made from the CA's)" },
	{ "key-type", .kind = OPT_STRING, .arg = "TYPE", .values = key_types,
	  TO(register_args, account.key_type), .help = "the account key's kind (default ec256)" },
	{ "eab-kid", .kind = OPT_STRING, .arg = "KID", TO(register_args, account.eab_kid),
	  .help = "external account binding: the key identifier the CA gave you" },
	{ "eab-hmac-file", .kind = OPT_STRING, .arg = "FILE", .flags = OPTION_READS,
	  TO(register_args, account.eab_hmac_file),
	  .help = "external account binding: the file with its key" },
	{ "eab-alg", .kind = OPT_STRING, .arg = "ALG", .values = eab_algs,
	  TO(register_args, account.eab_alg),
	  .help = "external account binding: the MAC your CA wants (default HS256)" },
	{ 0 }
};

const struct option account_update_options[] = {
	{ "email", .kind = OPT_STRINGS, .arg = "ADDR", .flags = OPTION_NEEDED,
	  TO(account_args, emails), .help = "a mail address; all of them, repeatable" },
	{ 0 }
};

const struct option account_rollover_options[] = {
	{ "key-type", .kind = OPT_STRING, .arg = "TYPE", .values = key_types,
	  TO(account_args, key_type), .help = "the new key's kind (default: as it is)" },
	{ 0 }
};

const struct option account_export_options[] = {
	{ "format", .kind = OPT_STRING, .arg = "FORMAT", .values = key_formats,
	  TO(account_args, format), .help = "default pem" },
	{ "output", .letter = 'o', .kind = OPT_STRING, .arg = "FILE", TO(account_args, output),
	  .help = "write to FILE, readable by its owner only (default: standard output)" },
	{ 0 }
};

const struct option account_import_options[] = {
	{ "ca", .kind = OPT_STRING, .arg = "CA", TO(account_args, ca),
	  .help = "the CA it is at (default letsencrypt)" },
	{ "name", .kind = OPT_STRING, .arg = "NAME", TO(account_args, name),
	  .help = "what the account is called here (default: made from the CA's)" },
	{ 0 }
};

const struct option account_yes_options[] = { { "yes", .kind = OPT_FLAG, TO(account_args, yes),
	                                        .flags = OPTION_NEEDED,
	                                        .help = "yes, really: this cannot be undone" },
	                                      { 0 } };

const struct option ca_add_options[] = {
	{ "ca-bundle", .kind = OPT_STRING, .arg = "FILE", .flags = OPTION_READS,
	  TO(ca_add_args, ca.ca_bundle_file),
	  .help = "trust anchors for its own TLS; read now and kept" },
	{ "staging", .kind = OPT_STRING, .arg = "CA", TO(ca_add_args, ca.staging),
	  .help = "its staging directory, for --dry-run: a name or a URL" },
	{ "resolver", .kind = OPT_STRING, .arg = "ADDR:PORT", .flags = OPTION_ADDRESS,
	  TO(ca_add_args, ca.resolver), .help = "the DNS resolver it uses" },
	{ "http-port", .kind = OPT_NUMBER, .arg = "N", .min = 1, .max = 65535,
	  TO(ca_add_args, http_port), .help = "where it validates http-01 (default 80)" },
	{ "tls-port", .kind = OPT_NUMBER, .arg = "N", .min = 1, .max = 65535,
	  TO(ca_add_args, tls_port), .help = "where it validates tls-alpn-01 (default 443)" },
	{ "parallel", .kind = OPT_NUMBER, .arg = "N", .min = 1, .max = 64,
	  TO(ca_add_args, parallel), .help = "requests under way at once (default 8)" },
	{ 0 }
};

static const char *const propagations[] = { "authoritative", "recursive", "provider", "none",
	                                    NULL };

const struct option dns_add_options[] = {
	{ "credentials", .kind = OPT_STRING, .arg = "FILE", .flags = OPTION_READS | OPTION_NEEDED,
	  TO(dns_args, credentials_file),
	  .help = "what the provider needs, YAML or KEY=VALUE (`everleaf dns help PROVIDER`)" },
	{ "zone", .kind = OPT_STRINGS, .arg = "ZONE", TO(dns_args, zones),
	  .help = "only for names in this zone; repeatable" },
	{ "propagation", .kind = OPT_STRING, .arg = "MODE", .values = propagations,
	  TO(dns_args, propagation),
	  .help =
	      "how to see that a record has arrived, in place of what the settings say (default "
	      "authoritative: every name server of the zone is asked)" },
	{ 0 }
};

const struct option dns_update_options[] = {
	{ "credentials", .kind = OPT_STRING, .arg = "FILE", .flags = OPTION_READS,
	  TO(dns_args, credentials_file),
	  .help = "new settings; those that FILE does not name are kept" },
	{ "zone", .kind = OPT_STRINGS, .arg = "ZONE", TO(dns_args, zones),
	  .help = "only for names in this zone, instead of those so far; repeatable" },
	{ "all-zones", .kind = OPT_FLAG, TO(dns_args, all_zones),
	  .help = "for names in any zone it may write" },
	{ "propagation", .kind = OPT_STRING, .arg = "MODE", .values = propagations,
	  TO(dns_args, propagation),
	  .help =
	      "how to see that a record has arrived, in place of what the settings say (default "
	      "authoritative: every name server of the zone is asked)" },
	{ 0 }
};

static const char *const digests[] = { "at-once", "daily", NULL };

const struct option notify_add_options[] = {
	{ "settings", .kind = OPT_STRING, .arg = "FILE", .flags = OPTION_READS | OPTION_NEEDED,
	  TO(notify_args, settings_file),
	  .help = "what the channel needs, YAML or KEY=VALUE (`everleaf notify help KIND`)" },
	{ "event", .kind = OPT_STRINGS, .arg = "EVENT", TO(notify_args, events),
	  .help = "only this kind of news; repeatable (`everleaf notify help KIND` lists them)" },
	{ "digest", .kind = OPT_STRING, .arg = "WHEN", .values = digests, TO(notify_args, digest),
	  .help = "at-once (default), or daily: a day's news in one message, after 08:00" },
	{ 0 }
};

const struct option notify_update_options[] = {
	{ "settings", .kind = OPT_STRING, .arg = "FILE", .flags = OPTION_READS,
	  TO(notify_args, settings_file),
	  .help = "new settings; those that FILE does not name are kept" },
	{ "event", .kind = OPT_STRINGS, .arg = "EVENT", TO(notify_args, events),
	  .help = "only this kind of news, instead of those so far; repeatable" },
	{ "usual-events", .kind = OPT_FLAG, TO(notify_args, usual_events),
	  .help = "the usual kinds of news again" },
	{ "digest", .kind = OPT_STRING, .arg = "WHEN", .values = digests, TO(notify_args, digest),
	  .help = "at-once or daily" },
	{ 0 }
};

const struct option dns_watch_options[] = {
	{ "account", .kind = OPT_STRING, .arg = "ACCOUNT", TO(dns_args, account),
	  .help = "with values: ask the servers that this DNS account names" },
	{ "once", .kind = OPT_FLAG, TO(dns_args, once),
	  .help = "look once; status 1 if not all have it" },
	{ 0 }
};

const struct option persist_options[] = {
	{ "account", .kind = OPT_STRINGS, .arg = "NAME", TO(persist_args, ask.accounts),
	  .help = "for this account at a CA only; repeatable (default: the certificate's, or for "
	          "a domain all that can)" },
	{ "dns", .kind = OPT_STRINGS, .arg = "ACCOUNT", TO(persist_args, ask.dns),
	  .help = "publish: through this DNS account, or DOMAIN=ACCOUNT; repeatable (default: all "
	          "enabled ones)" },
	{ "wildcard", .kind = OPT_FLAG, TO(persist_args, ask.wildcard),
	  .help = "domains: the record shall cover the wildcard and all names below too" },
	{ "until", .kind = OPT_STRING, .arg = "WHEN", TO(persist_args, ask.until),
	  .help =
	      "show, publish: the record ends then: a day (2027-06-30) or days from now (365d); "
	      "default: it has no end" },
	{ "days", .kind = OPT_NUMBER, .arg = "N", .min = 1, .max = 3650, TO(persist_args, days),
	  .help = "check, publish: a record that ends within so many days is near its end (default "
	          "30)" },
	{ 0 }
};

const struct option limits_options[] = {
	{ "ca", .kind = OPT_STRING, .arg = "CA", TO(limits_args, ask.ca),
	  .help = "of this CA only; with a domain: as if it were asked for there" },
	{ "unpaused", .kind = OPT_FLAG, TO(limits_args, ask.unpaused),
	  .help = "you had the CA resume these names: their failures in a row are forgotten" },
	{ 0 }
};

const struct option man_options[] = { { "prose", .kind = OPT_STRING, .arg = "FILE",
	                                TO(man_args, prose), .help = "the page's own text" },
	                              { 0 } };
