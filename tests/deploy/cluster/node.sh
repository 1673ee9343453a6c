#!/usr/bin/env bash
# A Kubernetes in a network and mount namespace of its own; scripts/cluster.sh starts it there.
#   node.sh STATE_DIR TOOLS_DIR IMAGE_ARCHIVE...
#   node.sh STATE_DIR TOOLS_DIR kwok
# etcd, the control plane, and two nodes: containerd and a kubelet for each, kube-proxy, kube-router for network policies, and CoreDNS. Both nodes share the network, and so the address: what differs
# is which of them pods are on. Or, with "kwok", three nodes of KWOK's, which says of pods that they run and starts none. Nothing of the machine's network, mounts or control groups is touched but
# /kubetest-*. Ends, with all that it started, on SIGTERM.
set -euo pipefail
state=$(mkdir -p "$1" && cd "$1" && pwd)
tools=$2
images=("${@:3}")
here=$(cd "$(dirname "$0")" && pwd)
export PATH=$tools/bin:$tools/root/usr/bin:$tools/root/usr/sbin:$PATH
export LD_LIBRARY_PATH=$tools/root/usr/lib/x86_64-linux-gnu
cd "$state"
mkdir -p log pki
# The volume of the database, whose user is 999.
install -d -o 999 -g 999 -m 700 data
nodes=(n1 n2)
kwok=
[ "${images[*]}" != kwok ] || { kwok=yes images=() nodes=(k1 k2 k3); }
address=10.99.0.1
api=https://$address:6443
dns=10.96.0.10

pids=()
start() { # NAME COMMAND...
  "${@:2}" >"log/$1.log" 2>&1 &
  pids+=($!)
}
await() { # WHAT COMMAND...
  local tries
  for tries in $(seq 240); do
    "${@:2}" >/dev/null 2>&1 && return
    sleep 0.5
  done
  echo "not within two minutes: $1; see $state/log" >&2
  exit 1
}
# None with KWOK's nodes, beside which a cluster of containers may run.
groups() { [ -n "$kwok" ] || find /sys/fs/cgroup -depth -type d -path '*/kubetest-*' 2>/dev/null; }
end() {
  trap '' TERM INT
  rm -f ready
  # The kubelets first: nothing starts what is ended next.
  local i
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do kill "${pids[i]}" 2>/dev/null || true; done
  sleep 3
  # The API server would wait for those that watch it.
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do kill -9 "${pids[i]}" 2>/dev/null || true; done
  # And the sleep below, which would go on for up to a minute.
  [ -z "${!:-}" ] || kill "$!" 2>/dev/null || true
  wait || true
  # Containers outlive containerd. Their processes are those in the nodes' groups.
  local group pid
  for group in $(groups); do
    while read -r pid; do kill -9 "$pid" 2>/dev/null || true; done <"$group/cgroup.procs"
  done
  for pid in $(pgrep -f "^[^ ]*containerd-shim.* -address $state/" || true); do kill -9 "$pid" 2>/dev/null || true; done
  sleep 1
  for group in $(groups); do rmdir "$group" 2>/dev/null || true; done
}
trap end EXIT
trap 'exit 0' TERM INT

# ---- The namespaces. Folders that programs use whatever they are told are hidden behind empty ones.
mkdir -p /run/containerd /var/log/containers /var/lib/cni /etc/cni
for folder in /run/containerd /var/log/containers /var/lib/cni /etc/cni; do mount -t tmpfs tmpfs "$folder"; done
printf 'nameserver %s\nsearch gatehouse.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n' "$dns" >resolv.conf
touch /etc/resolv.conf
mount --bind resolv.conf /etc/resolv.conf
ip link set lo up
ip link add d0 type bridge
ip addr add $address/24 dev d0
ip link set d0 up
ip route add default via 10.99.0.254 dev d0
sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1

# ---- The control plane. There is one user, who may do everything: what Gatehouse's pods may do is what is tested here.
[ -f pki/sa.key ] || { openssl genrsa -out pki/sa.key 2048 2>/dev/null; openssl rsa -in pki/sa.key -pubout -out pki/sa.pub 2>/dev/null; }
token=$(openssl rand -hex 16)
(umask 077; echo "$token,admin,admin,\"system:masters\"" >pki/tokens.csv)
cat >kubeconfig <<C
apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "$api", insecure-skip-tls-verify: true}}]
users: [{name: admin, user: {token: $token}}]
contexts: [{name: test, context: {cluster: test, user: admin}}]
current-context: test
C
export KUBECONFIG=$state/kubeconfig
start etcd etcd --data-dir "$state/etcd" --unsafe-no-fsync --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380
await "etcd answers" bash -c 'exec 3<>/dev/tcp/127.0.0.1/2379'
# Debian's etcd (3.4.23) can't say how far a watch has come, without which there are no lists as streams. A server that offers these all the same makes clients that ask for one (KWOK, Helm 4) wait up to
# half a minute between tries; one that does not offer them is asked for a plain list at once.
start apiserver kube-apiserver --feature-gates=WatchList=false --etcd-servers=http://127.0.0.1:2379 --service-cluster-ip-range=10.96.0.0/16 --secure-port=6443 --bind-address=$address --advertise-address=$address \
  --cert-dir="$state/pki" --service-account-key-file=pki/sa.pub --service-account-signing-key-file=pki/sa.key --service-account-issuer=https://kubernetes.default.svc \
  --authorization-mode=Node,RBAC --kubelet-preferred-address-types=InternalIP --token-auth-file=pki/tokens.csv --allow-privileged=true
await "the API server is ready" kubectl get --raw /readyz
start controller-manager kube-controller-manager --kubeconfig=kubeconfig --service-account-private-key-file=pki/sa.key --root-ca-file=pki/apiserver.crt --leader-elect=false \
  --bind-address=127.0.0.1 --secure-port=0 --use-service-account-credentials=false
start scheduler kube-scheduler --kubeconfig=kubeconfig --leader-elect=false --bind-address=127.0.0.1 --secure-port=0

# ---- Nodes without containers.
if [ -n "$kwok" ]; then
  start kwok kwok --kubeconfig=kubeconfig --config="$here/kwok.yaml" --manage-all-nodes=true --node-ip=$address --node-lease-duration-seconds=40
  for name in "${nodes[@]}"; do printf '{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "%s", "labels": {"kubernetes.io/hostname": "%s"}}}\n' "$name" "$name"; done | kubectl apply -f - >/dev/null
  await "the nodes" kubectl wait --for=condition=Ready --timeout=1s "${nodes[@]/#/node/}"
  touch ready
  while :; do sleep 60 & wait $!; done
fi

# ---- Nodes with containers.
node() { # NAME NUMBER
  local name=$1 number=$2 dir=$state/$1 group
  mkdir -p "$dir/cni"
  for group in /sys/fs/cgroup/*/; do
    mkdir -p "$group/kubetest-$name"
    # All pods of a node together would weigh as much as one process outside: on a busy machine none of them would answer in time.
    [ ! -e "$group/kubetest-$name/cpu.shares" ] || echo 16384 >"$group/kubetest-$name/cpu.shares"
    [ ! -e "$group/kubetest-$name/cpuset.cpus" ] || { cat "$group/cpuset.cpus" >"$group/kubetest-$name/cpuset.cpus"; cat "$group/cpuset.mems" >"$group/kubetest-$name/cpuset.mems"; }
  done
  cat >"$dir/cni/10-bridge.conflist" <<C
{"cniVersion": "0.4.0", "name": "bridge-$name", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$dir/addresses", "routes": [{"dst": "0.0.0.0/0"}],
            "ranges": [[{"subnet": "10.244.0.0/16", "rangeStart": "10.244.$number.2", "rangeEnd": "10.244.$number.250", "gateway": "10.244.0.1"}]]}}]}
C
  # restrict_oom_score_adj: a virtual machine may refuse to spare a process; runc then ends with "can't get final child's PID from pipe: EOF".
  cat >"$dir/containerd.toml" <<C
version = 2
root = "$dir/containerd"
state = "$dir/run"
[grpc]
  address = "$dir/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$dir/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      Root = "$dir/runc"
      SystemdCgroup = false
C
  cat >"$dir/kubelet.yaml" <<C
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failSwapOn: false
cgroupDriver: cgroupfs
cgroupRoot: /kubetest-$name
containerRuntimeEndpoint: unix://$dir/containerd.sock
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
clusterDNS: [$dns]
clusterDomain: cluster.local
resolvConf: $state/resolv.conf
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 100Mi}
port: $((10250 + number * 10))
healthzPort: $((10248 + number * 10))
readOnlyPort: 0
podLogsDir: $dir/logs
C
  start "containerd-$name" containerd -c "$dir/containerd.toml"
  await "containerd of $name" ctr -a "$dir/containerd.sock" version
  local archive
  for archive in "${images[@]}"; do ctr -a "$dir/containerd.sock" -n k8s.io images import "$archive" >>log/images.log; done
  start "kubelet-$name" kubelet --config="$dir/kubelet.yaml" --kubeconfig=kubeconfig --root-dir="$dir/kubelet" --node-ip=$address --hostname-override="$name" --cert-dir="$dir/pki"
}
number=0
for name in "${nodes[@]}"; do node "$name" $((++number)); done

# ---- Services, network policies, names.
cat >kube-proxy.yaml <<C
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: $state/kubeconfig}
hostnameOverride: n1
mode: iptables
clusterCIDR: 10.244.0.0/16
metricsBindAddress: 127.0.0.1:10249
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
C
start kube-proxy kube-proxy --config=kube-proxy.yaml
await "the nodes" kubectl wait --for=condition=Ready --timeout=1s "${nodes[@]/#/node/}"
start kube-router kube-router --kubeconfig=kubeconfig --hostname-override=n1 --run-router=false --run-service-proxy=false --run-firewall=true --service-cluster-ip-range=10.96.0.0/16
kubectl apply -f "$here/coredns.yaml" >/dev/null
await "CoreDNS" kubectl -n kube-system wait --for=condition=Available --timeout=1s deployment/coredns
touch ready
echo "KUBECONFIG=$KUBECONFIG"
while :; do sleep 60 & wait $!; done
