#!/usr/bin/env python3
"""Writes the list of parts of the program for a system: deploy/sbom.py x86_64-unknown-linux-gnu

CycloneDX 1.5: every crate with its version, the hash of its package in Cargo.lock, its licence and what it depends on. What only
builds the program (build scripts, macros) has the scope "excluded"; what only tests it is not there. The same sources make the
same bytes: there is neither a time nor a random number. Needs cargo and the crates, which cargo fetches if they are missing.
"""

import json
import subprocess
import sys
import tomllib


def is_built_with(dependency):
    """Tests alone need the others."""
    return any(kind["kind"] in (None, "build") for kind in dependency["dep_kinds"])


def is_linked_with(dependency, packages):
    is_macro = any("proc-macro" in target["kind"] for target in packages[dependency["pkg"]]["targets"])
    return not is_macro and any(kind["kind"] is None for kind in dependency["dep_kinds"])


def reached(nodes, root, follows):
    """The packages to which dependencies of that kind lead."""
    seen, waiting = {root}, [root]
    while waiting:
        for dependency in nodes[waiting.pop()]["deps"]:
            if follows(dependency) and dependency["pkg"] not in seen:
                seen.add(dependency["pkg"])
                waiting.append(dependency["pkg"])
    return seen


def reference(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package, checksums, is_linked):
    name, version = package["name"], package["version"]
    if not package["license"]:
        sys.exit(f"sbom.py: {name} {version} names no licence")
    if (name, version) not in checksums:
        sys.exit(f"sbom.py: Cargo.lock has no hash of {name} {version}")
    return {
        "type": "library",
        "bom-ref": reference(package),
        "name": name,
        "version": version,
        "scope": "required" if is_linked else "excluded",
        "hashes": [{"alg": "SHA-256", "content": checksums[name, version]}],
        # Some crates write "MIT/Apache-2.0", as cargo wanted it once.
        "licenses": [{"expression": " OR ".join(part.strip() for part in package["license"].split("/"))}],
        "purl": reference(package),
    }


def main():
    target = sys.argv[1]
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in found["packages"]}
    nodes = {node["id"]: node for node in found["resolve"]["nodes"]}
    root = found["resolve"]["root"]
    with open("Cargo.lock", "rb") as file:
        locked = tomllib.load(file)["package"]
    checksums = {(part["name"], part["version"]): part["checksum"] for part in locked if "checksum" in part}

    built = reached(nodes, root, is_built_with)
    linked = reached(nodes, root, lambda dependency: is_linked_with(dependency, packages))
    in_order = sorted(built, key=lambda id: reference(packages[id]))
    own = packages[root]
    json.dump(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "version": 1,
            "metadata": {
                "component": {
                    "type": "application",
                    "bom-ref": reference(own),
                    "name": own["name"],
                    "version": own["version"],
                    "licenses": [{"expression": own["license"]}],
                    "properties": [{"name": "target", "value": target}],
                }
            },
            "components": [component(packages[id], checksums, id in linked) for id in in_order if id != root],
            "dependencies": [
                {
                    "ref": reference(packages[id]),
                    "dependsOn": sorted(
                        {reference(packages[dep["pkg"]]) for dep in nodes[id]["deps"] if is_built_with(dep)}
                    ),
                }
                for id in in_order
            ],
        },
        sys.stdout,
        indent=2,
    )
    print()


if __name__ == "__main__":
    main()
