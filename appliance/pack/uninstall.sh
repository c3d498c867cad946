#!/bin/sh
# Removes what install.sh installed. Settings and the log stay unless --purge is given.
# With DESTDIR=/mnt it removes it from a system that lies there. May be run again.
# Installed as /opt/hearth/current/uninstall.sh.
set -eu

root=${DESTDIR:-}
case "${1:-}" in
  '' | --purge) ;;
  *)
    echo 'usage: uninstall.sh [--purge]' >&2
    exit 2
    ;;
esac
if [ -z "$root" ] && [ "$(id -u)" != 0 ]; then
  echo 'uninstall.sh: only root can uninstall; run it with sudo' >&2
  exit 1
fi

if [ -z "$root" ] && [ -d /run/systemd/system ]; then
  systemctl disable --now hearth.service 2>/dev/null || true
fi
rm -f "$root/etc/systemd/system/multi-user.target.wants/hearth.service" \
  "$root/etc/systemd/system/hearth.service" "$root/usr/local/bin/hearth"
rm -rf "$root/opt/hearth"
if [ "${1:-}" = --purge ]; then
  rm -rf "$root/etc/hearth" "$root/var/lib/hearth" "$root/var/lib/private/hearth"
fi
if [ -z "$root" ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload
fi
echo 'hearth is removed'
