/* Asks, and takes no answer for no knowledge. */
#include "dns/seen.h"

#include "dns/settle.h"
#include "sys/dns.h"

struct dns_seen dns_see(struct dns_session *s, const struct dns_zone *z, const char *name)
{
	struct dns_placement p = { .asked = name, .name = name, .session = s, .zone = *z };
	const struct dns_view view = { s->common.resolvers, s->common.public_only };
	struct settle_how how = { .view = &view, .cancel = s->cancel };
	struct strings servers = s->common.servers;
	struct settle_servers found = { 0 };
	struct dns_seen seen = { 0 };
	struct dns_answer answer;
	struct err ignored;

	if (servers.n == 0 && settle_find_servers(s->arena, &p, &how, &found, &ignored) == 0) {
		servers = (struct strings){ 0 };
		for (size_t i = 0; i < found.n; i++)
			strings_add(s->arena, &servers, found.v[i].address);
	}
	if (servers.n == 0 ||
	    dns_ask(s->arena, &servers, name, DNS_TXT, s->cancel, &answer, &ignored) < 0)
		return seen;
	seen.known = true;
	seen.values = dns_answer_txt(s->arena, &answer, name);
	return seen;
}
