/* The command line's entry: see run.c. */
#include "cli/run.h"

int main(int argc, char **argv)
{
	return run(argc, (const char *const *)argv);
}
