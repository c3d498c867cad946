#!/bin/sh
# Installs hearth and its model on this device, from the folder that this script lies in, without network.
# May be run again: a newer bundle takes the place of an older one, settings and the log stay.
# With DESTDIR=/mnt it installs into a system that lies there and starts nothing.
set -eu
# Whoever installs: the service is another user and has to read it.
umask 022

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=${DESTDIR:-}
home=/opt/hearth

fail() {
  echo "install.sh: $1" >&2
  exit 1
}

# TARGET and RELEASE of this bundle.
. "$here/bundle.env"

[ -n "$root" ] || [ "$(id -u)" = 0 ] || fail 'only root can install; run it with sudo'
case "$TARGET" in
  linux-x64) machine=x86_64 ;;
  linux-arm64) machine=aarch64 ;;
  *) fail "unknown target $TARGET" ;;
esac
[ -n "$root" ] || [ "$(uname -m)" = "$machine" ] ||
  fail "this bundle is for $TARGET, this device is $(uname -m); pack one for it"

(cd "$here" && sha256sum --quiet --check SHA256SUMS) ||
  fail 'files are damaged or missing; unpack the bundle again, after hearth verify'

release=$home/releases/$RELEASE
partial=$root$release.partial
mkdir -p "$root$home/releases" "$root/etc/hearth" "$root/etc/systemd/system" "$root/usr/local/bin"
if [ ! -d "$root$release" ]; then
  rm -rf "$partial"
  mkdir "$partial"
  cp -R "$here/app" "$here/model" "$here/uninstall.sh" "$partial/"
  chown -R 0:0 "$partial" 2>/dev/null || [ -n "$root" ]
  chmod -R u=rwX,go=rX "$partial"
  # On the disk before it gets its name, so that a power cut leaves the old release or the new one.
  sync
  mv "$partial" "$root$release"
fi

# Settings are the owner's once they are there.
[ -e "$root/etc/hearth/config.json" ] ||
  install -m 644 "$here/config.json" "$root/etc/hearth/config.json"
install -m 644 "$here/hearth.service" "$root/etc/systemd/system/hearth.service"
cat >"$root/usr/local/bin/hearth" <<EOF
#!/bin/sh
export XDG_STATE_HOME="\${XDG_STATE_HOME:-/var/lib}"
exec $home/current/app/bin/node $home/current/app/dist/cli.js "\$@"
EOF
chmod 755 "$root/usr/local/bin/hearth"

ln -sfn "releases/$RELEASE" "$root$home/current.new"
mv -T "$root$home/current.new" "$root$home/current"
for other in "$root$home/releases"/*; do
  [ "$other" = "$root$release" ] || rm -rf "$other"
done
sync

if [ -z "$root" ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl enable hearth.service
  systemctl restart hearth.service
  echo 'hearth is installed and started; see journalctl -u hearth'
else
  mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
  ln -sf ../hearth.service "$root/etc/systemd/system/multi-user.target.wants/hearth.service"
  echo 'hearth is installed and starts with the system'
fi
