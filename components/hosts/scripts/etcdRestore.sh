# shellcheck shell=bash
# Installed on control planes as inference-stack-etcd-restore: puts etcd back to a snapshot.
#   inference-stack-etcd-restore SNAPSHOT [MEMBERS]
# MEMBERS: name=https://address:2380 of all control planes, separated by commas; needed where there are several, with
# the same snapshot on each of them. Run again after an interruption, it goes on.

snapshot=${1:?usage: inference-stack-etcd-restore SNAPSHOT [NAME=PEER-URL,…]}
if [[ ! -s $snapshot ]]; then
  echo "no snapshot at $snapshot; they lie in $DIRECTORY" >&2
  exit 1
fi
snapshot=$(realpath "$snapshot")
member=$(etcd_flag name)
peer=$(etcd_flag initial-advertise-peer-urls)
data=$(etcd_flag data-dir)
members=${2:-$member=$peer}
stamp=$(date -u +%Y%m%dT%H%M%SZ)
restored=$data/.restored
old=$data.before-restore-$stamp

nothing_runs() {
  local name
  for name in kube-apiserver etcd; do
    if [[ -n $(running_containers "$name") ]]; then return 1; fi
  done
}

echo "checking $snapshot"
etcd_tool etcdutl "$(dirname "$snapshot")" snapshot status "$snapshot" --write-out=table

echo "stopping the control plane on this host"
mkdir -p "$PARKED_MANIFESTS"
for name in kube-apiserver kube-controller-manager kube-scheduler etcd; do
  if [[ -e /etc/kubernetes/manifests/$name.yaml ]]; then mv /etc/kubernetes/manifests/$name.yaml "$PARKED_MANIFESTS/"; fi
done
for _ in {1..120}; do
  if nothing_runs; then break; fi
  sleep 1
done
if ! nothing_runs; then
  echo "the API server or etcd still runs after 120 s; is the kubelet active? Run this again then" >&2
  exit 1
fi

echo "restoring $member of $members; what was there goes to $old"
rm -rf "$restored"
# By the bump no client sees a revision again that it knows with other contents.
cp "$snapshot" "$data/.snapshot.db"
etcd_tool etcdutl "$data" snapshot restore "$data/.snapshot.db" --data-dir "$restored" --name "$member" \
  --initial-cluster "$members" --initial-advertise-peer-urls "$peer" --initial-cluster-token "restored-$stamp" \
  --bump-revision 1000000000 --mark-compacted
rm -f "$data/.snapshot.db"
if [[ -e $data/member ]]; then
  install -d -m 0700 "$old"
  mv "$data/member" "$old/"
fi
mv "$restored/member" "$data/member"
rm -rf "$restored"
sync -f "$data"

echo "starting the control plane"
mv "$PARKED_MANIFESTS"/*.yaml /etc/kubernetes/manifests/
rmdir "$PARKED_MANIFESTS"
systemctl restart kubelet
for _ in {1..180}; do
  if [[ $(kubectl --kubeconfig /etc/kubernetes/admin.conf get --raw /readyz 2>/dev/null) == ok ]]; then
    echo "restored: the API server answers"
    exit 0
  fi
  sleep 1
done
echo "the API server does not answer after 180 s; with several control planes it does once a majority is restored" >&2
exit 1
