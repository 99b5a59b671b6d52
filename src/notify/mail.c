/*
 * Mail: handed to a server of the person's own, by TLS and with a login as it wants them. To the
 * addresses named and, where that is set, to the contacts of the CA account that the certificate
 * belongs to.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "notify/message.h"
#include "sys/mail.h"

struct mail {
	const char *server, *tls, *user, *password, *from, *ca_bundle, *subject_prefix;
	struct strings to;
	bool contacts, owner, admins, public_only;
	int64_t timeout_s;
	/* of server and tls */
	const char *host;
	int64_t port;
};

static const struct field mail_fields[] = {
	FIELD(
	    struct mail, server, FT_STRING, F_REQUIRED | F_PEER,
	    "HOST or HOST:PORT of the mail server that takes your mail; port 587, or 465 with tls: "
	    "tls, 25 with tls: none"),
	FIELD(struct mail, tls, FT_STRING, 0,
	      "starttls (default), tls (from the first byte), or none (a server on this machine)"),
	FIELD(struct mail, user, FT_STRING, 0, "name to log in with"),
	FIELD(struct mail, password, FT_SECRET, 0, "its password"),
	FIELD(struct mail, from, FT_STRING, F_REQUIRED, "the sender's address"),
	FIELD(struct mail, to, FT_STRINGS, 0, "the recipients' addresses"),
	FIELD(struct mail, contacts, FT_BOOL, 0,
	      "yes: also to the mail addresses of the CA account that a certificate belongs to"),
	FIELD(struct mail, owner, FT_BOOL, 0,
	      "yes: also to the user to whom a certificate belongs, in a mail of their own"),
	FIELD(struct mail, admins, FT_BOOL, 0,
	      "yes: also to every user who is an administrator and has a mail address"),
	FIELD(struct mail, subject_prefix, FT_STRING, 0, "put before every subject ([Everleaf])"),
	FIELD(struct mail, ca_bundle, FT_STRING, F_HOST,
	      "file with the trust anchors for the server (PEM); the system's otherwise"),
	FIELD(struct mail, public_only, FT_BOOL, F_HOST,
	      "yes: the server is not reached at a loopback, link-local or private address, nor at "
	      "this machine's own; so for channels made over the network unless allow_private is "
	      "configured"),
	FIELD_NAMED(struct mail, timeout_s, "timeout", FT_INT, 0,
	            "seconds for one delivery, at most 600 (60)"),
	FIELD_END
};

static int check_address(const char *what, const char *address, struct err *e)
{
	if (!mail_is_address(address))
		return err_set(e, ERR_CONFIG, "\"%s\": \"%.100s\" is not a plain mail address",
		               what, address);
	return 0;
}

/* HOST, HOST:PORT, [v6], [v6]:PORT */
static int split_server(struct arena *a, struct mail *m, struct err *e)
{
	const char *s = m->server, *end = *s == '[' ? strchr(s, ']') : s + strcspn(s, ":");
	const char *host = *s == '[' ? s + 1 : s, *port;
	char *rest;

	if (end && end > host) {
		m->host = arena_strndup(a, host, (size_t)(end - host));
		port = *s == '[' ? end + 1 : end;
		if (*port == ':')
			m->port = strtol(port + 1, &rest, 10);
		if ((!*port ||
		     (*port == ':' && port[1] && !*rest && m->port > 0 && m->port < 65536)) &&
		    strspn(m->host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		                    ".-:_%") == strlen(m->host))
			return 0;
	}
	return err_set(e, ERR_CONFIG, "\"server\" must be HOST or HOST:PORT");
}

static int check_tls(struct mail *m, struct err *e)
{
	static const struct {
		const char *word;
		int port;
	} forms[] = { { "starttls", 587 }, { "tls", 465 }, { "none", 25 } };
	size_t i = 0;

	m->tls = m->tls ? m->tls : "starttls";
	while (i < ARRAY_LEN(forms) && strcmp(forms[i].word, m->tls) != 0)
		i++;
	if (i == ARRAY_LEN(forms))
		return err_set(e, ERR_CONFIG, "\"tls\" must be starttls, tls or none");
	m->port = m->port ? m->port : forms[i].port;
	if (m->password && strcmp(m->tls, "none") == 0)
		return err_set(e, ERR_CONFIG,
		               "\"password\" with tls: none would be sent for all to read; use "
		               "starttls or tls");
	if (!m->user != !m->password)
		return err_set(e, ERR_CONFIG, "\"user\" and \"password\" belong together");
	return 0;
}

static int mail_check(struct arena *a, void *settings, struct err *e)
{
	struct mail *m = settings;

	TRY(split_server(a, m, e));
	TRY(check_tls(m, e));
	TRY(check_address("from", m->from, e));
	for (size_t i = 0; i < m->to.n; i++)
		TRY(check_address("to", m->to.v[i], e));
	if (m->to.n == 0 && !m->contacts && !m->owner && !m->admins)
		return err_set(e, ERR_CONFIG,
		               "\"to\" names nobody: give addresses, or owner, admins or contacts: "
		               "yes");
	if (m->timeout_s < 0 || m->timeout_s > 600)
		return err_set(e, ERR_CONFIG, "\"timeout\" must be 1 to 600 seconds");
	return 0;
}

static unsigned mail_reach(const void *settings)
{
	const struct mail *m = settings;

	return (m->to.n || m->contacts ? REACH_OWN : 0u) | (m->owner ? REACH_OWNER : 0u) |
	       (m->admins ? REACH_ADMINS : 0u);
}

static void add_all(struct arena *a, struct strings *to, const struct strings *more)
{
	for (size_t i = 0; i < more->n; i++)
		if (!strings_has(to, more->v[i]))
			strings_add(a, to, more->v[i]);
}

static struct strings recipients(struct arena *a, const struct mail *m, const struct message *msg)
{
	struct strings to = { 0 };

	if (msg->only_to.n)
		return msg->only_to;
	add_all(a, &to, &m->to);
	if (m->contacts)
		add_all(a, &to, &msg->contacts);
	if (m->admins)
		add_all(a, &to, &msg->admins);
	return to;
}

static const char *own_name(struct arena *a)
{
	char name[256] = "";

	if (gethostname(name, sizeof(name) - 1) < 0 || !*name ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") !=
	        strlen(name))
		return "localhost";
	return arena_strdup(a, name);
}

static enum mail_tls tls_of(const struct mail *m)
{
	return strcmp(m->tls, "tls") == 0    ? MAIL_TLS
	       : strcmp(m->tls, "none") == 0 ? MAIL_PLAIN
	                                     : MAIL_STARTTLS;
}

static int mail_hand_over(const struct channel_session *s, const struct message *msg, struct err *e)
{
	const struct mail *m = s->settings;
	struct letter l = { .from = m->from,
		            .to = recipients(s->arena, m, msg),
		            .text = msg->text,
		            .id = msg->id,
		            .at = msg->at,
		            .files = msg->files,
		            .n_files = msg->n_files };
	struct mail_server server = { .host = m->host,
		                      .port = (uint16_t)m->port,
		                      .tls = tls_of(m),
		                      .user = m->user,
		                      .password = m->password,
		                      .ca_bundle_file = m->ca_bundle,
		                      .helo = own_name(s->arena),
		                      .public_only = m->public_only && !s->allow_private,
		                      .limit_s = (uint32_t)m->timeout_s,
		                      .cancel = s->cancel };
	CLEANUP(buf_done) struct buf text = BUF_LIMIT(MESSAGE_MAX_BYTES);
	const char *refused = NULL;

	if (l.to.n == 0) {
		log_detail("%s: nobody to send it to: none of them has a mail address", s->name);
		return 0;
	}
	l.subject = arena_printf(
	    s->arena, "%s %s", m->subject_prefix ? m->subject_prefix : "[Everleaf]", msg->subject);
	TRY(letter_write(s->arena, &l, &text, e));
	TRY(mail_send(s->arena, &server, m->from, &l.to, text.data, text.len, &refused, e));
	if (refused)
		log_warn("%s: the mail server %s does not take it for all: %s", s->name, m->host,
		         refused);
	return 0;
}

const struct channel_kind channel_mail = {
	.name = "mail",
	.title = "Mail",
	.setup = "Name the server that takes your mail, and whom to write to. Most servers want "
	         "STARTTLS on "
	         "port 587 and a login: use a password made for this alone, where your service has "
	         "such.",
	.fields = mail_fields,
	.settings_size = sizeof(struct mail),
	.reach = mail_reach,
	.check = mail_check,
	.send = mail_hand_over,
};
