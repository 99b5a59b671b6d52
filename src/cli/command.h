/*
 * The command line as data: every command is a row of commands.def with tables of options, from
 * which come the parser, the help, the man pages, the completion scripts and `everleaf commands`.
 * An option says where its value goes: into a field of the certificate (cert_fields) or into a
 * member of the command's own argument struct (args.h).
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/err.h"

struct ops;
struct remote;
struct progress;

enum option_kind {
	OPT_FLAG,    /* bool: true when given */
	OPT_COUNT,   /* int: how often it was given */
	OPT_STRING,  /* const char * */
	OPT_STRINGS, /* struct strings: once for each value */
	OPT_NUMBER,  /* int, min to max */
	OPT_CERT,    /* a field of struct cert_change's values, which opens the argument struct */
};

enum option_flags {
	OPTION_OPTIONAL = 1, /* the value may be left out */
	OPTION_ABSOLUTE = 2, /* a path that is kept: made absolute */
	OPTION_READS = 4,    /* a file read once; "-" is standard input */
	OPTION_NEGATIVE = 8, /* OPT_CERT flag: sets the field to false */
	OPTION_NEEDED = 16,
	OPTION_ADDRESS = 32,   /* ADDR:PORT */
	OPTION_RENEWAL = 64,   /* 15d or 1/3 */
	OPTION_NAME_SET = 128, /* cannot stand beside --from */
};

struct option {
	const char *name;
	char letter; /* 0 = none */
	enum option_kind kind;
	unsigned flags;
	const char *arg;           /* its value's name in texts; NULL = takes none */
	const char *const *values; /* the only ones allowed, NULL-terminated; NULL = any */
	const char *field;    /* OPT_CERT: in cert_fields; NULL = none (a HOW without a value) */
	size_t offset;        /* else: in the argument struct */
	int min, max;         /* OPT_NUMBER */
	const char *fallback; /* the value when an optional one is left out */
	const char *method, *challenge; /* a HOW: what it sets in the certificate; challenge NULL =
	                                   chosen by the names */
	const char *goes_with;          /* methods it belongs to, blank-separated; NULL = all */
	const char *env;                /* a global one: the variable that stands for it */
	const char *help;
};
#define OPTION_EACH(o, table) for (const struct option *o = (table); o->name; o++)

enum command_flags {
	COMMAND_STATE = 1,   /* opens the state folder */
	COMMAND_CREATES = 2, /* makes it when it is not there */
	COMMAND_HIDDEN = 4,  /* for tools: not in the help */
	COMMAND_HOW = 8,     /* exactly one HOW (else at most one) */
	COMMAND_WAITS = 16,  /* works with the CA: progress is shown */
	COMMAND_HOST = 64,   /* on the host of the state alone: not with --server */
	COMMAND_EMPTY = 32,  /* only looks: where there is no state yet, there is nothing to show */
};
#define WORDS_ANY 100000u

struct cli;
struct command {
	const char *words; /* "account register" */
	int (*run)(struct cli *c, struct err *e);
	const struct option *options,
	    *shared; /* two tables, the second one used by several commands; NULL = none */
	size_t args_size;
	unsigned flags;
	unsigned min_words, max_words;
	const char *synopsis;  /* what stands after the name, in words */
	const char *completes; /* what its words are: "certificates", "accounts", "cas", "commands",
	                          a list, or "" */
	const char *help;
};
extern const struct command commands[];
#define COMMAND_EACH(c) for (const struct command *c = commands; c->words; c++)

struct globals {
	const char *state_dir, *config_file, *database_url, *ca_bundle;
	const char *server, *token_file, *server_ca_bundle;
	bool json, help, version;
	int quiet, verbose;
};
extern const struct option global_options[];

/* One run of one command. */
struct cli {
	struct arena *arena;
	const struct command *command; /* NULL: the program itself, with --help or --version */
	const char *group;             /* "account", when only help for the group is wanted */
	struct globals globals;
	void *args;           /* of the command's own type */
	struct strings words; /* what stands beside the options */
	const struct cancel *cancel;
	struct ops *ops;           /* open if the command has COMMAND_STATE, and no --server */
	struct remote *remote;     /* with --server; NULL = without */
	struct progress *progress; /* to be taken away before anything is printed; NULL = none */
};

/* Groups ("account", "ca"): what stands before the verb. */
struct command_group {
	const char *word, *help;
};
extern const struct command_group command_groups[];

const struct command *command_find(const char *words);
const struct command_group *command_group_find(const char *word);
/* Has this group a verb? */
bool command_in_group(const struct command *c, const char *group);
/* The nearest of the words a person may have meant; NULL = none is near. */
const char *nearest_word(const char *word, const char *const *list, size_t n);

#endif
