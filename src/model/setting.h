/*
 * What an administrator may set over the network, for all nodes of one store. All else of the
 * configuration (addresses to listen on, folders, commands, what may be asked inside) is the word
 * of the host, and so is what its file says of these.
 */
#ifndef MODEL_SETTING_H
#define MODEL_SETTING_H

#include "base/field.h"

/* A member that is NULL, empty, 0 or false is not set: its default holds. */
struct settings {
	const char *ca, *key_type, *renew_window;
	struct strings email;
	bool agree_tos;
	const char *warn_days; /* JSON of a list of numbers */
	int64_t pass_within_days, wait_s;
};
extern const struct field settings_fields[];

/* Its rows in the table of a struct that has one: in = "set.". */
#define SETTING(T, in, member, type, help)                                                         \
	{                                                                                          \
#member, (type), 0, offsetof(T, in member), (help)                                 \
	}
#define SETTINGS_ROWS(T, in)                                                                       \
	SETTING(T, in, ca, FT_STRING, "the CA used where none is named"),                          \
	    SETTING(T, in, email, FT_STRINGS,                                                      \
	            "contacts of an account that is registered on the fly"),                       \
	    SETTING(T, in, agree_tos, FT_BOOL, "the CA's terms of service are agreed to"),         \
	    SETTING(T, in, key_type, FT_STRING, "key type of new certificates"),                   \
	    SETTING(                                                                               \
	        T, in, renew_window, FT_STRING,                                                    \
	        "time of day (\"01:30\"), local to each node, from which on renewals that can "    \
	        "wait are made, spread over an hour; without it they do not wait"),                \
	    SETTING(T, in, pass_within_days, FT_INT,                                               \
	            "days after which `check` says that no pass has run (2)"),                     \
	    SETTING(T, in, warn_days, FT_JSON,                                                     \
	            "days before the end of a certificate at which it is warned of ([30, 14, 7, "  \
	            "3, 1]); shorter in proportion for lifetimes below 90 days"),                  \
	    SETTING(T, in, wait_s, FT_INT,                                                         \
	            "seconds that one request waits for the CA to validate and issue (300)")

/* Takes what is named over. */
void settings_take(struct arena *a, struct settings *to, const struct settings *from,
                   const struct strings *given);
bool settings_same(const struct settings *x, const struct settings *y);

#endif
