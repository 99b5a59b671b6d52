/* One command line from its words to its exit status (CLI.md). */
#ifndef CLI_RUN_H
#define CLI_RUN_H

int run(int argc, const char *const *argv);

#endif
