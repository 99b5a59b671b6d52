/*
 * Words that no file of ours may use, made errors of the compiler. Each has a bounded or
 * thread-safe counterpart: buf_* and arena_printf for texts, strtol with its checks for numbers,
 * gmtime_r, proc_run. The build puts this file before every other, so the headers that declare
 * those words come first here.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

/* With _FORTIFY_SOURCE some of them are macros. */
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat strncat stpcpy sprintf vsprintf gets strtok
#pragma GCC poison atoi atol atoll sscanf vsscanf
#pragma GCC poison gmtime localtime ctime asctime
#pragma GCC poison system popen tmpnam mktemp

#endif
