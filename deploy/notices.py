#!/usr/bin/env python3
"""Writes the notices of everybody whose code is in the program: deploy/notices.py > THIRD-PARTY-NOTICES.txt

Every crate that the program is linked with, on Linux and on Windows, with its licence and the texts that its package has of it.
Texts that are the same stand there once. Needs Python and cargo, and the crates: cargo fetches what is missing.
"""

import json
import pathlib
import sys

# Nothing is left beside the sources.
sys.dont_write_bytecode = True
from sbom import cargo, key, tree  # noqa: E402

TARGETS = ["x86_64-unknown-linux-gnu", "x86_64-pc-windows-gnu"]
# How the files of licences are called.
NAMES = ("license", "licence", "copying", "notice", "copyright", "unlicense")
# What no crate is, and is linked all the same.
BESIDE = """\
Rust's standard library: MIT OR Apache-2.0, The Rust Project Contributors. On Windows also the start-up code of mingw-w64
(public domain or Zope Public License 2.1) and of GCC (GPL-3.0 with the GCC Runtime Library Exception).
"""


def linked(target):
    """The packages that the program is linked with there, without what only builds or tests it."""
    found = json.loads(cargo("metadata", "--format-version", "1", "--locked", "--filter-platform", target))
    own, names = found["resolve"]["root"], tree(target, "normal,no-proc-macro")
    return {package["id"]: package for package in found["packages"] if key(package) in names and package["id"] != own}


def texts(package):
    """The texts of a package's licence, as they lie in it."""
    folder = pathlib.Path(package["manifest_path"]).parent
    files = [path for path in folder.iterdir() if path.is_file() and path.name.lower().startswith(NAMES)]
    named = package["license_file"]
    files += [folder / named] if named and folder / named not in files else []
    return ["\n".join(line.rstrip() for line in path.read_text("utf-8", "replace").strip().splitlines())
            for path in sorted(files) if path.suffix not in (".rs", ".html")]


def main():
    packages = {}
    for target in TARGETS:
        packages |= linked(target)
    if not packages:
        sys.exit("notices.py: cargo names no package")
    ordered = sorted(packages.values(), key=lambda package: (package["name"], package["version"]))
    whose = {}
    print("What vetbridge is made of beside its own code, and under which terms. The texts follow the list.\n")
    print(BESIDE)
    for package in ordered:
        terms = package["license"] or ("see the text" if package["license_file"] else None)
        if terms is None:
            sys.exit(f"notices.py: {package['name']} names no licence")
        name = f"{package['name']} {package['version']}"
        own = texts(package)
        # Without a text of its own, those who wrote it are all that can be named.
        authors = "" if own else f" (its package has no text; by {', '.join(package['authors']) or 'authors that it does not name'})"
        print(f"{name}: {terms}{authors}")
        for text in own:
            whose.setdefault(text, []).append(name)
    for text, names in sorted(whose.items(), key=lambda entry: entry[1]):
        print(f"\n{'=' * 100}\n{', '.join(names)}\n{'=' * 100}\n\n{text}")


if __name__ == "__main__":
    main()
