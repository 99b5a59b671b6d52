/* TSIG's algorithms by their names; between tsig.c and tsig_key.c. */
#ifndef SYS_TSIG_ALGORITHM_H
#define SYS_TSIG_ALGORITHM_H

#include <stdbool.h>

#include "sys/hash.h"

/* By canonical name. */
bool tsig_algorithm_find(const char *name, enum hash_alg *out);

#endif
