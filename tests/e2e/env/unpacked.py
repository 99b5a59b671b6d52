"""
Servers that must not be installed, since their packages start services: unpacked, and run with the libraries that they
need from packages unpacked beside them. Which packages those are is read from the packages' own dependencies.
"""

import functools
import os
import subprocess

from env.debs import fetched

LIBRARY_PREFIXES = ("lib", "bind9-libs")


@functools.lru_cache(None)
def dependencies(package):
    """Packages with libraries that it depends on, alternatives included."""
    done = subprocess.run(["apt-cache", "depends", "--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks",
                           "--no-replaces", "--no-enhances", package], stdout=subprocess.PIPE, text=True, timeout=60)
    names = [line.split(":", 1)[1].strip() for line in done.stdout.splitlines() if "Depends:" in line]
    return [name for name in names if name.startswith(LIBRARY_PREFIXES)]


def is_installed(package):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", package], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True)
    return done.stdout == "installed"


def library_folders(roots):
    return sorted({str(path.parent) for root in roots for path in root.glob("usr/lib/**/*.so*")} |
                  {str(path.parent) for root in roots for path in root.glob("lib/**/*.so*")})


def with_libraries(folders):
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(folders)} if folders else dict(os.environ)


def missing(program, folders):
    done = subprocess.run(["ldd", program], env=with_libraries(folders), stdout=subprocess.PIPE, text=True)
    return [line.split()[0] for line in done.stdout.splitlines() if "not found" in line]


def next_packages(lacking, packages, seen):
    """What to unpack next: dependencies named like a library that is missing, or else whatever is left of them."""
    candidates = [name for package in packages for name in dependencies(package)
                  if name not in seen and not is_installed(name)]
    stems = tuple(library.split(".so")[0] for library in lacking)
    return [name for name in candidates if name.startswith(stems)] or candidates


def find_libraries(path, packages):
    """Unpacks beside the packages what the program at path lacks; their folders."""
    packages, roots, seen = list(packages), [fetched(package) for package in packages], set()
    while lacking := missing(path, library_folders(roots)):
        chosen = next_packages(lacking, packages, seen)
        if not chosen:
            raise RuntimeError(f"{path} lacks {', '.join(lacking)}")
        for name in dict.fromkeys(chosen):
            seen.add(name)
            try:
                roots.append(fetched(name))
                packages.append(name)
            except RuntimeError:
                continue  # one of several alternatives may not be there
    return library_folders(roots)


@functools.lru_cache(None)
def unpacked(package, program, *beside):
    """(path, environment) of a program of a package; `beside` are packages with plugins for it."""
    path = fetched(package) / program
    known = fetched(package) / f".libraries-of-{path.name}"
    folders = known.read_text().split("\n") if known.exists() else None
    if folders is None or missing(path, folders):
        folders = find_libraries(path, [package, *beside])
        known.write_text("\n".join(folders))
    return path, with_libraries([folder for folder in folders if folder])
