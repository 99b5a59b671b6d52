/* What the dns commands show: where a value goes, what name servers say, what a provider needs. */
#ifndef CLI_PRINT_DNS_H
#define CLI_PRINT_DNS_H

#include "base/json.h"
#include "cli/command.h"
#include "ops/ops_dns.h"

json_t *print_strings(const struct strings *list); /* an array */
/* "key: value" of each member; NULL prints nothing. */
void print_settings(struct cli *c, const json_t *settings);
void print_path(struct cli *c, const struct dns_path *path);
/* With --json one document. */
void print_test(struct cli *c, const struct dns_test *t);

json_t *service_json(const struct dns_service *s);
void print_service(struct cli *c, const struct dns_service *s);

/* Looks at name servers: on a terminal redrawn in place, elsewhere a line for each change, with
 * --json an array of the last look. */
struct dns_watcher {
	struct cli *cli;
	struct strings said; /* of each server, as it was printed last */
	size_t lines;        /* on the terminal */
	json_t *last;
};
void print_look(void *watcher, const struct dns_seen *v, size_t n);
void print_looks_end(struct dns_watcher *w);

#endif
