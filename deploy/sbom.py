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


def cargo(*words):
    return subprocess.run(["cargo", *words], check=True, stdout=subprocess.PIPE, text=True).stdout


def tree(target, edges):
    """Names and versions of the crates to which such dependencies lead. `cargo metadata` has more: features of tests count there."""
    lines = cargo("tree", "--locked", "--target", target, "--edges", edges, "--prefix", "none", "--format", "{p}")
    words = (line.split() for line in lines.splitlines() if line)
    return {(name, version.removeprefix("v")) for name, version, *_ in words}


def key(package):
    return package["name"], package["version"]


def reference(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package, checksums, is_linked):
    name, version = package["name"], package["version"]
    if not package["license"]:
        sys.exit(f"sbom.py: {name} {version} names no licence")
    if key(package) not in checksums:
        sys.exit(f"sbom.py: Cargo.lock has no hash of {name} {version}")
    return {
        "type": "library",
        "bom-ref": reference(package),
        "name": name,
        "version": version,
        "scope": "required" if is_linked else "excluded",
        "hashes": [{"alg": "SHA-256", "content": checksums[key(package)]}],
        # Some crates write "MIT/Apache-2.0", as cargo wanted it once.
        "licenses": [{"expression": " OR ".join(part.strip() for part in package["license"].split("/"))}],
        "purl": reference(package),
    }


def main():
    target = sys.argv[1]
    found = json.loads(cargo("metadata", "--format-version", "1", "--locked", "--filter-platform", target))
    built, linked = tree(target, "normal,build"), tree(target, "normal,no-proc-macro")
    packages = {package["id"]: package for package in found["packages"] if key(package) in built}
    nodes = {node["id"]: node for node in found["resolve"]["nodes"]}
    root = found["resolve"]["root"]
    with open("Cargo.lock", "rb") as file:
        locked = tomllib.load(file)["package"]
    checksums = {key(part): part["checksum"] for part in locked if "checksum" in part}

    def depends_on(id):
        """On what is built; tests alone need the others."""
        needed = (dep for dep in nodes[id]["deps"] if any(kind["kind"] in (None, "build") for kind in dep["dep_kinds"]))
        return sorted({reference(packages[dep["pkg"]]) for dep in needed if dep["pkg"] in packages})

    in_order = sorted(packages, key=lambda id: reference(packages[id]))
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
            "components": [component(packages[id], checksums, key(packages[id]) in linked) for id in in_order if id != root],
            "dependencies": [{"ref": reference(packages[id]), "dependsOn": depends_on(id)} for id in in_order],
        },
        sys.stdout,
        indent=2,
    )
    print()


if __name__ == "__main__":
    main()
