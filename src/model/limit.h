/*
 * Rate limits as CAs publish them (cas.yaml), as a configuration file gives them, and what has been
 * counted here: one bucket for each CA, limit, account and subject. A bucket is a theoretical
 * arrival time (GCRA), so that a row is all that is ever kept, and none once it is full again.
 */
#ifndef MODEL_LIMIT_H
#define MODEL_LIMIT_H

#include "base/field.h"

enum limit_kind {
	LIMIT_NEW_ACCOUNTS, /* registrations of this host */
	LIMIT_NEW_ORDERS,   /* of one account */
	LIMIT_DOMAIN,       /* certificates for one registered domain, of all accounts */
	LIMIT_EXACT_SET,    /* certificates for exactly the same names, of all accounts */
	LIMIT_FAILED,       /* failed validations of one name by one account */
	LIMIT_CONSECUTIVE,  /* the same in a row; the CA then pauses the name */
	N_LIMITS
};

/* So many at once, refilled evenly over so many seconds. count 0 = no limit is known. */
struct limit_rule {
	int64_t count, per_s;
	const char *source; /* a LIMIT_FROM_…; NULL = nobody says anything of it */
};
#define LIMIT_FROM_CA "published"             /* by the CA, in cas.yaml as it was built in */
#define LIMIT_FROM_CAS "cas.yaml"             /* in the one of this host */
#define LIMIT_FROM_CONFIG "configured"        /* in everleaf.yaml */
const char *limit_name(enum limit_kind kind); /* "new-orders", … */
bool limit_parse(const char *name, enum limit_kind *out);  /* false: there is none */
bool limit_period_parse(const char *text, int64_t *per_s); /* "90s", "15m", "3h", "7d" */
char *limit_period_text(struct arena *a, int64_t per_s);   /* the same form */
struct strings limit_names(struct arena *a);

/* A limit in a configuration file, and as `ca show` prints it. */
struct limit_words {
	const char *ca; /* name or directory URL; NULL in `ca show` */
	const char *limit;
	int64_t count; /* 0 = no limit */
	const char *per;
	const char *source; /* as in a rule; not in a file */
};
/* In everleaf.yaml, in cas.yaml, and shown. */
extern const struct field limit_config_fields[], limit_cas_fields[], limit_shown_fields[];
/* What a file says, checked; without a source. ERR_CONFIG with the member at fault. */
NODISCARD int limit_words_rule(const struct limit_words *w, enum limit_kind *kind,
                               struct limit_rule *out, struct err *e);

/* CAs keep no order longer. */
#define LIMIT_RESERVED_MS (INT64_C(7) * 86400 * 1000)

/* A row of `limits`. */
struct bucket {
	int64_t id;
	const char *name;    /* "KIND CA ACCOUNT SUBJECT", "-" for no account */
	int64_t tat_ms;      /* full again at this instant (Unix milliseconds) */
	int64_t reserved;    /* orders under way that are counted when they come to something */
	int64_t reserved_ms; /* when the last of them was made */
	const char *told;    /* the CA's own words, when it taught this; NULL = counted here */
};
extern const struct field bucket_fields[];

const char *bucket_name(struct arena *a, enum limit_kind kind, const char *ca_url,
                        const char *account_url, const char *subject);
struct bucket_parts {
	enum limit_kind kind;
	const char *ca_url, *account_url /* NULL = none */, *subject;
};
bool bucket_parse(struct arena *a, const char *name, struct bucket_parts *out);

/* One limit as people see it. */
struct limit_state {
	const char *ca, *limit, *account, *subject;
	int64_t used, left, count; /* count 0: no figure is known, the CA has told us to wait */
	const char *per;
	int64_t opens_at; /* when the next one fits; 0 = now */
	int64_t full_at;  /* when nothing of it is used any more; 0 = nothing is */
	bool counts;      /* false: what is asked about is exempt from it */
	const char *source, *told;
};
extern const struct field limit_state_fields[];

#endif
