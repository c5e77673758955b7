"""Judges rendered manifests: `kubernetes.py FILE`, and `kubernetes.py FILE metrics` if Prometheus is let in.

Kubernetes' own schemas say what a field may be. What they cannot say stands in `rules`: that there is one pod and
no second one, that it may do nothing that it need not, and that nothing else may come in or out. `broken` has
manifests with a mistake each, and every one of them has to be found.
"""

import copy
import sys

import kubernetes_validate
import yaml

# Of the oldest release that is still maintained by somebody to the newest that the package knows.
VERSIONS = ["1.30", "1.33", "1.37"]


def of_schema(manifests):
    """What the schemas say against them."""
    found = []
    for version in VERSIONS:
        for manifest in manifests:
            try:
                kubernetes_validate.validate(manifest, version, strict=True)
            except (kubernetes_validate.ValidationError, kubernetes_validate.InvalidSchemaError) as error:
                found.append(f"{version}: {manifest.get('kind')}: {error.message}")
            except Exception as error:  # a kind or version without a schema
                found.append(f"{version}: {manifest.get('kind')}: {error}")
    return found


def one(manifests, kind, name="vetbridge"):
    return next(m for m in manifests if m["kind"] == kind and m["metadata"]["name"] == name)


def rules(manifests):
    """What else is wrong with them, in sentences."""
    stateful = one(manifests, "StatefulSet")
    spec = stateful["spec"]
    pod = spec["template"]["spec"]
    container = pod["containers"][0]
    security = container["securityContext"]
    claim = spec["volumeClaimTemplates"][0]["spec"]
    policy = one(manifests, "NetworkPolicy")["spec"]
    labels = spec["template"]["metadata"]["labels"]
    names = {m["metadata"]["name"] for m in manifests if m["kind"] == "ConfigMap"}
    sources = pod["volumes"][0]["projected"]["sources"]
    destinations = [to for rule in policy["egress"] for to in rule["to"]]
    public = next(to["ipBlock"] for to in destinations if to.get("ipBlock", {}).get("cidr") == "0.0.0.0/0")
    text = yaml.safe_dump(manifests)
    expected = {
        "one pod": spec["replicas"] == 1,
        "the volume is for one pod": claim["accessModes"] == ["ReadWriteOncePod"],
        "the volume stays": set(spec["persistentVolumeClaimRetentionPolicy"].values()) == {"Retain"},
        "no token of the pod": pod["automountServiceAccountToken"] is False,
        "no token of the account": one(manifests, "ServiceAccount")["automountServiceAccountToken"] is False,
        "its own account": pod["serviceAccountName"] == "vetbridge",
        "not root": pod["securityContext"]["runAsNonRoot"] is True and pod["securityContext"]["runAsUser"] == 10001,
        "seccomp": pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault",
        "no more rights": security["allowPrivilegeEscalation"] is False,
        "no capabilities": security["capabilities"] == {"drop": ["ALL"]},
        "a root that cannot be written": security["readOnlyRootFilesystem"] is True,
        "a place for a rehearsal": "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]},
        "nothing of the node": not any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")),
        "probes judge the process": all(
            container[probe]["exec"]["command"] == ["/usr/bin/vetbridge", "probe"]
            for probe in ("startupProbe", "livenessProbe", "readinessProbe")
        ),
        "time to leave": pod["terminationGracePeriodSeconds"] >= 15,
        "a limit of memory": "memory" in container["resources"]["limits"],
        "a tag of its own": ":" in container["image"] and not container["image"].endswith(":latest"),
        "the policy is about the pod": policy["podSelector"]["matchLabels"].items() <= labels.items(),
        "nothing comes in": policy["ingress"] == [] and set(policy["policyTypes"]) == {"Ingress", "Egress"},
        "no private address beside those named": {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"}
        <= set(public["except"]),
        "each way out has its ports": all(rule.get("ports") and rule.get("to") for rule in policy["egress"]),
        "the address of OpenVPMS was filled in": "192.0.2." not in text,
        "the configuration is there": sources[0]["configMap"]["name"] in names,
        "no secret is among them": not any(m["kind"] == "Secret" for m in manifests),
        "the secrets are not for all": pod["volumes"][0]["projected"]["defaultMode"] & 0o007 == 0,
        "the cluster refuses more": one(manifests, "Namespace", stateful["metadata"]["namespace"])["metadata"][
            "labels"
        ]["pod-security.kubernetes.io/enforce"]
        == "restricted",
    }
    return [f"not so: {name}" for name, holds in expected.items() if not holds]


def metrics_rules(manifests):
    """The one more way in, for Prometheus alone."""
    allowed = one(manifests, "NetworkPolicy", "vetbridge-metrics")["spec"]["ingress"]
    pods = {"app.kubernetes.io/name": "prometheus"}
    senders = [sender for rule in allowed for sender in rule["from"]]
    expected = {
        "one port": [rule["ports"] for rule in allowed] == [[{"protocol": "TCP", "port": 8686}]],
        "one sender": [sorted(sender) for sender in senders] == [["namespaceSelector", "podSelector"]],
        "which is Prometheus": all(sender["podSelector"]["matchLabels"] == pods for sender in senders),
    }
    return [f"not so: {name}" for name, holds in expected.items() if not holds]


def broken(manifests):
    """Manifests with one mistake each, and where: nobody may find nothing in them."""

    def with_mistake(change):
        own = copy.deepcopy(manifests)
        change(own)
        return own

    stateful = lambda m: one(m, "StatefulSet")["spec"]
    pod = lambda m: stateful(m)["template"]["spec"]
    container = lambda m: pod(m)["containers"][0]
    policy = lambda m: one(m, "NetworkPolicy")["spec"]
    return {
        "two pods": with_mistake(lambda m: stateful(m).update(replicas=2)),
        "an unknown key": with_mistake(lambda m: container(m).update(readOnlyRoot=True)),
        "a number as a word": with_mistake(lambda m: stateful(m).update(replicas="one")),
        "a token": with_mistake(lambda m: pod(m).update(automountServiceAccountToken=True)),
        "root": with_mistake(lambda m: pod(m)["securityContext"].update(runAsUser=0)),
        "a root that can be written": with_mistake(
            lambda m: container(m)["securityContext"].update(readOnlyRootFilesystem=False)
        ),
        "a probe of the practices": with_mistake(
            lambda m: container(m)["livenessProbe"]["exec"].update(command=["/usr/bin/vetbridge", "status"])
        ),
        "a shared volume": with_mistake(
            lambda m: stateful(m)["volumeClaimTemplates"][0]["spec"].update(accessModes=["ReadWriteMany"])
        ),
        "every address": with_mistake(lambda m: policy(m)["egress"][1]["to"][0]["ipBlock"].update({"except": []})),
        "every port": with_mistake(lambda m: policy(m)["egress"][0].pop("ports")),
        "somebody comes in": with_mistake(lambda m: policy(m).update(ingress=[{}])),
        "the latest image": with_mistake(lambda m: container(m).update(image="vetbridge:latest")),
    }


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        manifests = [manifest for manifest in yaml.safe_load_all(file) if manifest]
    found = of_schema(manifests) + rules(manifests)
    if sys.argv[2:] == ["metrics"]:
        found += metrics_rules(manifests)
    elif any(m["kind"] == "NetworkPolicy" and m["spec"].get("ingress") for m in manifests):
        found.append("not so: nothing comes in by any policy")
    missed = [name for name, own in broken(manifests).items() if not of_schema(own) + rules(own)]
    for line in found + [f"this mistake is not found: {name}" for name in missed]:
        print(line, file=sys.stderr)
    kinds = ", ".join(f"{m['kind']}/{m['metadata']['name']}" for m in manifests)
    print(f"{len(manifests)} manifests against Kubernetes {', '.join(VERSIONS)}: {kinds}")
    print(f"{len(broken(manifests))} mistakes are found")
    return 1 if found or missed else 0


if __name__ == "__main__":
    sys.exit(main())
