"""Judges the rights of the nightly backup: `kubernetes_backup.py FILE`. They suffice for the commands of docs/many-clinics.md,
and nothing else is among them."""

import sys

import yaml

from kubernetes import of_schema, one


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        manifests = list(yaml.safe_load_all(file))
    found = of_schema(manifests)
    rules = {
        (group, resource, name, verb)
        for manifest in manifests
        if manifest["kind"] == "ClusterRole"
        for rule in manifest["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", ["any"])
        for verb in rule["verbs"]
    }
    binding = one(manifests, "ClusterRoleBinding", "vetbridge-backup-namespaces")
    account = {"kind": "ServiceAccount", "name": "vetbridge-backup", "namespace": "vetbridge-backup"}
    expected = {
        "namespaces are found, and a command runs in vetbridge-0": rules
        == {
            ("", "namespaces", "any", "list"),
            ("", "pods", "vetbridge-0", "get"),
            ("", "pods/exec", "vetbridge-0", "get"),
            ("", "pods/exec", "vetbridge-0", "create"),
        },
        "the whole cluster has the list of namespaces only": [
            (m["kind"], m["roleRef"]["name"]) for m in manifests if "roleRef" in m
        ]
        == [("ClusterRoleBinding", "vetbridge-backup-namespaces")],
        "it is the account of the backup": binding["subjects"] == [account],
    }
    found += [f"not so: {name}" for name, holds in expected.items() if not holds]
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
