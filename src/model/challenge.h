/* A challenge response that was, or was about to be, published: recorded before the act, so that a
 * kill leaves nothing behind that the next run does not clean up. */
#ifndef MODEL_CHALLENGE_H
#define MODEL_CHALLENGE_H

#include "base/field.h"

struct challenge {
	int64_t id;
	const char *cert; /* the certificate's name */
	const char *order_url;
	const char *url; /* of the challenge at the CA */
	const char *authz_url;
	const char *domain; /* the identifier, without "*." */
	bool wildcard;
	const char *type;     /* "http-01", … */
	const char *method;   /* the certificate's method at that time */
	const char *token;    /* NULL for dns-persist-01 */
	const char *value;    /* key authorization (http-01), TXT value (dns-01, dns-persist-01),
	                         hexadecimal digest (tls-alpn-01) */
	const char *location; /* where a person looks: a URL path, or the TXT record's name */
	const char *place;    /* where it was put: the web root, the hook's path, the listening
	                         address; NULL = nowhere */
	/* dns: the account, zone, its service's own name for it (NULL = none), and the record */
	const char *dns_account, *dns_zone, *dns_zone_id, *dns_name;
	int64_t made_dirs; /* web root: folders we made */
	const char *state; /* "about": about to be published; "placed"; (a removed one is no row any
	                      more) */
	int64_t created_at;
};
extern const struct field challenge_fields[];

#endif
