/* The fields of a finding: members of `preflight --json`. */
#include "model/finding.h"

const struct field finding_fields[] = {
	FIELD(struct finding, name, FT_STRING, 0, "the name it is about; null: all of them"),
	FIELD(struct finding, check, FT_STRING, 0, "what was looked at"),
	FIELD(struct finding, verdict, FT_STRING, 0, "fine, fails or unknown"),
	FIELD(struct finding, text, FT_STRING, 0, "what was seen"),
	FIELD(struct finding, problem, FT_STRING, 0, "the problem type the CA would answer"),
	FIELD(struct finding, mend, FT_STRING, 0, "what to do"),
	FIELD(struct finding, retry_at, FT_TIME, 0, "when it will be otherwise by itself"),
	FIELD_END
};
