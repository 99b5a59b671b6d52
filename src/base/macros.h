/*
 * The few words every file uses: failure is returned with TRY, what is not memory is released with
 * CLEANUP, ownership moves with TAKE. No state, no I/O.
 */
#ifndef BASE_MACROS_H
#define BASE_MACROS_H

#include <stddef.h>

#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define UNUSED __attribute__((unused))

/* Runs fn(&variable) when the variable goes out of scope. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Gives the pointer away: the variable becomes NULL, so that its CLEANUP does nothing. */
#define TAKE(p)                                                                                    \
	__extension__({                                                                            \
		__auto_type p_ = (p);                                                              \
		(p) = NULL;                                                                        \
		p_;                                                                                \
	})

/* Returns the callee's failure (a negative -ERR_x) from the calling function. */
#define TRY(call)                                                                                  \
	do {                                                                                       \
		int try_ = (call);                                                                 \
		if (try_ < 0)                                                                      \
			return try_;                                                               \
	} while (0)

/* Defines NAME(T **p) for CLEANUP from a function that frees a T *. */
#define DEFINE_CLEANUP(name, T, free_fn)                                                           \
	static inline void name(T **p)                                                             \
	{                                                                                          \
		if (*p)                                                                            \
			free_fn(*p);                                                               \
	}

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
