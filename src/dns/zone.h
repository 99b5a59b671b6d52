/* Which zone of an account a name is in: given by the account, else from the service's own list,
 * the longest that fits; found once for one piece of work, never kept longer. */
#ifndef DNS_ZONE_H
#define DNS_ZONE_H

#include "dns/provider.h"

/* ERR_NOT_FOUND naming the account, the name, and the zones it has (the first few). */
NODISCARD int zone_find(struct dns_session *s, const char *name, struct dns_zone *out,
                        struct err *e);

#endif
