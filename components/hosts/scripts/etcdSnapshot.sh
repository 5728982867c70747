# shellcheck shell=bash
# Installed on control planes as inference-stack-etcd-snapshot: takes a snapshot of etcd, checks it, and keeps the
# newest ones. Beside each lies the certificate authority, without which a snapshot makes no cluster.
# The installer puts DIRECTORY and KEEP in front.

name=etcd-$(date -u +%Y%m%dT%H%M%SZ)
partial=$DIRECTORY/.$name.partial

install -d -m 0700 "$DIRECTORY"
trap 'rm -f "$partial"*' EXIT
etcdctl_in "$DIRECTORY" snapshot save "$partial"
etcd_tool etcdutl "$DIRECTORY" snapshot status "$partial" --write-out=table
umask 077
tar -C /etc/kubernetes -cf "$partial.pki" pki
mv "$partial.pki" "$DIRECTORY/$name.pki.tar"
mv "$partial" "$DIRECTORY/$name.db"
sync -f "$DIRECTORY"
echo "snapshot $DIRECTORY/$name.db"

# The names sort by time.
find "$DIRECTORY" -maxdepth 1 -name 'etcd-*.db' -printf '%f\n' | sort | head -n "-$KEEP" | while IFS= read -r old; do
  echo "removing ${old%.db}: the newest $KEEP are kept"
  rm -f "$DIRECTORY/$old" "$DIRECTORY/${old%.db}.pki.tar"
done
