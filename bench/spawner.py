"""
Starts the measured commands. A process of its own, and a small one: the kernel counts what a process held before exec into
its peak, so that a command started by the large bench itself could never be seen to need less than the bench. Nothing
is imported but what the interpreter is made of. Requests and answers are marshal values on standard input and output.

    request  (argv, environment, folder, file for output)
    answers  pid, then (status, wall s, user s, system s, peak KiB)
"""

import marshal
import posix
import sys
import time


def start(argv, environment, folder, output):
    pid = posix.fork()
    if pid:
        return pid
    try:
        posix.setpgid(0, 0)
        posix.chdir(folder)
        out = posix.open(output, posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC, 0o600)
        null = posix.open("/dev/null", posix.O_RDONLY)
        posix.dup2(null, 0)
        posix.dup2(out, 1)
        posix.dup2(out, 2)
        posix.closerange(3, 64)
        posix.execve(argv[0], argv, environment)
    finally:
        posix._exit(127)


def main():
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while True:
        try:
            request = marshal.load(requests)
        except EOFError:
            return
        began = time.perf_counter()
        pid = start(*request)
        marshal.dump(pid, answers)
        answers.flush()
        _, status, used = posix.wait4(pid, 0)
        wall = time.perf_counter() - began
        marshal.dump((posix.waitstatus_to_exitcode(status), wall, used.ru_utime, used.ru_stime, used.ru_maxrss), answers)
        answers.flush()


if __name__ == "__main__":
    main()
