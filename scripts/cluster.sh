#!/usr/bin/env bash
# A real Kubernetes of two nodes on this machine, in namespaces of its own, for the chart: needs root, 2 GB of memory, and Debian's containerd, containernetworking-plugins, iptables, gcc.
# Usage: scripts/cluster.sh COMMAND
#   tools                 build what it runs (Kubernetes, CoreDNS, …), once: half an hour
#   up                    start it
#   up kwok               start instead an API server with three nodes of KWOK's, where pods are said to run and no container is started: for tests/deploy/kwok.py
#   images TAG PROGRAMS   import images localhost/gatehouse…:TAG, made from the programs in that folder (build/release/bin)
#   run COMMAND…          run a command in its network, with kubectl and helm at hand: scripts/cluster.sh run kubectl get pods -A
#   down                  end it, and remove what it wrote
# tests/deploy/cluster.py and kwok.py do all of that and test the chart. docs/kubernetes.md has more.
# GATEHOUSE_CLUSTER_TOOLS is where the tools are, GATEHOUSE_CLUSTER what a running cluster writes.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
here=$root/tests/deploy/cluster
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gatehouse
tools=${GATEHOUSE_CLUSTER_TOOLS:-$cache/cluster}
state=${GATEHOUSE_CLUSTER:-/var/tmp/gatehouse-cluster}

fail() { echo "$*" >&2; exit 1; }
running() { [ -e "$state/pid" ] && kill -0 "$(cat "$state/pid")" 2>/dev/null; }
inside() { nsenter -t "$(cat "$state/pid")" -n -m --wd="$PWD" "$@"; }

up() { # [kwok]
  ! running || fail "it is running: scripts/cluster.sh down"
  local images=$tools/node.tar program
  [ "${1:-}" != kwok ] || images=kwok
  for program in kube-apiserver kubectl $([ "$images" = kwok ] && echo kwok || echo kubelet coredns kube-router); do
    [ -x "$tools/bin/$program" ] || fail "no $program in $tools: scripts/cluster.sh tools"
  done
  rm -rf "$state"
  mkdir -p "$state"
  [ "$images" = kwok ] || [ -e "$images" ] || "$here/images.py" node "$images" "$tools"
  # A process of its own: it outlives this script.
  setsid unshare -n -m --propagation private bash -c 'echo $$ >"$0/pid"; exec "$@"' "$state" "$here/node.sh" "$state" "$tools" "$images" >"$state/out" 2>&1 </dev/null &
  local waited
  for waited in $(seq 600); do
    [ ! -e "$state/ready" ] || { echo "ready: scripts/cluster.sh run kubectl get nodes"; return; }
    [ "$waited" -lt 10 ] || running || break
    sleep 0.5
  done
  cat "$state/out" >&2
  fail "the cluster did not start: see $state/log"
}

down() {
  if running; then
    local pid waited
    pid=$(cat "$state/pid")
    kill "$pid"
    for waited in $(seq 120); do kill -0 "$pid" 2>/dev/null || break; sleep 0.5; done
    ! kill -0 "$pid" 2>/dev/null || fail "process $pid does not end"
  fi
  rm -rf "$state"
}

import() { # TAG PROGRAMS
  running || fail "it is not running"
  "$here/images.py" gatehouse "$state/images.tar" "$1" "$2"
  local node
  for node in n1 n2; do inside ctr -a "$state/$node/containerd.sock" -n k8s.io images import "$state/images.tar" >>"$state/log/images.log"; done
  rm "$state/images.tar"
}

case ${1:-} in
  tools) "$here/build-tools.sh" "$tools" ;;
  up) up "${2:-}" ;;
  down) down ;;
  images) [ $# = 3 ] || fail "images TAG PROGRAMS"; import "$2" "$3" ;;
  run) shift; running || fail "it is not running"
    export KUBECONFIG=$state/kubeconfig PATH=$tools/bin:${GATEHOUSE_TOOLS:-$cache/tools}:$PATH
    inside "$@" ;;
  *) sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
