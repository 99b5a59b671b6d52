/* What the operations about people share. */
#include "ops/people.h"

#include "base/fs.h"
#include "ops/internal.h"
#include "ops/operation.h"

int page_limit(int64_t asked, size_t *limit, struct err *e)
{
	if (asked < 0 || asked > PAGE_MOST) {
		err_set(e, ERR_USAGE, "a page has from 1 to %d entries", PAGE_MOST);
		return err_member(e, "limit");
	}
	*limit = asked ? (size_t)asked : PAGE_DEFAULT;
	return 0;
}

const char *link_path(struct ops *o, struct arena *a, const char *user)
{
	return fs_join(a, fs_join(a, o->run.state_dir, "first-login"), user);
}
