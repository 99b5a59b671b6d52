/* The fields of a look at the event log, for `log --verify --json`. */
#include "model/chain.h"

const struct field chain_check_fields[] = {
	FIELD(struct chain_check, fine, FT_BOOL, 0, "every record is as it was written"),
	FIELD(struct chain_check, records, FT_INT, 0,
	      "records that are as they were written, from the first one on"),
	FIELD(struct chain_check, head, FT_STRING, 0, "number and MAC of the last of these"),
	FIELD(struct chain_check, found, FT_STRING, 0,
	      "what happened to the first record at fault: changed, removed, put in, cut off; "
	      "head: that there were no more cannot be told"),
	FIELD(struct chain_check, number, FT_INT, 0, "the first record at fault"),
	FIELD(struct chain_check, at, FT_TIME, 0, "its time, as it is there"),
	FIELD(struct chain_check, kind, FT_STRING, 0, "its kind, as it is there"),
	FIELD(struct chain_check, why, FT_STRING, 0, "in words"),
	FIELD_END
};
