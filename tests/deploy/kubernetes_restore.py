"""Judges the component `restore`: `kubernetes_restore.py EXAMPLE RESTORING`, both rendered.

What the pod of a restore runs is another thing. Its user, its rights, its volume and its configuration are the same.
"""

import sys

import yaml

from kubernetes import of_schema, one

WHAT_RUNS = ("command", "args", "startupProbe", "livenessProbe", "readinessProbe")


def taken_out(manifests):
    """What the container runs, which is taken out of the manifests."""
    container = one(manifests, "StatefulSet")["spec"]["template"]["spec"]["containers"][0]
    return {key: container.pop(key) for key in WHAT_RUNS if key in container}


def main():
    usual, restoring = ([m for m in yaml.safe_load_all(open(path, encoding="utf-8")) if m] for path in sys.argv[1:3])
    found = of_schema(restoring)
    if taken_out(restoring) != {"command": ["/usr/bin/sleep"], "args": ["infinity"]}:
        found.append("not so: nothing runs in it, and no probe looks for vetbridge")
    if "run" not in taken_out(usual)["args"]:
        found.append("not so: vetbridge runs otherwise")
    if usual != restoring:
        found.append("not so: everything else is the same")
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
