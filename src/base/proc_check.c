/*
 * See proc_check.h. Used by the challenge hooks and the deploy hooks; looks at finished children
 * only, starts none.
 */
#include "base/proc_check.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

int proc_check_executable(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_errno(e, ERR_INPUT, errno, "hook %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INPUT, "hook %s: not a file", path);
	if (access(path, X_OK) < 0)
		return err_set(e, ERR_INPUT, "hook %s: cannot be executed; chmod +x it", path);
	return 0;
}

/* The last line with anything in it; *len excludes the newline. */
static const char *last_line(const char *text, size_t *len)
{
	size_t end = strlen(text);

	while (end > 0 && strchr(" \t\r\n", text[end - 1]))
		end--;
	size_t start = end;
	while (start > 0 && text[start - 1] != '\n')
		start--;
	*len = end - start;
	return text + start;
}

int proc_check_status(const struct proc_result *r, const char *what, struct err *e)
{
	size_t len;

	if (r->status == 0)
		return 0;
	const char *line = last_line(r->err_tail ? r->err_tail : "", &len);
	if (len == 0)
		return err_set(e, ERR_HOOK, "%s ended with status %d", what, r->status);
	return err_set(e, ERR_HOOK, "%s ended with status %d: %.*s", what, r->status,
	               (int)(len < 300 ? len : 300), line);
}

void proc_log_output(const struct proc_result *r, bool quiet)
{
	const char *line = r->out ? r->out : "";

	while (*line) {
		size_t len = strcspn(line, "\n");
		int shown = (int)(len < 1000 ? len : 1000);
		if (len > 0 && quiet)
			log_detail("%.*s", shown, line);
		else if (len > 0)
			log_info("%.*s", shown, line);
		line += len + (line[len] == '\n');
	}
}
