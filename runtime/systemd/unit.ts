// The unit of `hearth serve --print-unit`: systemd starts, watches and confines the server.
// Hardened as far as a GPU allows: device files and JIT-compiled JavaScript must go on working.
// It prints and installs nothing.
import path from 'node:path';

export type UnitOptions = {
  /** The node that runs this, and hearth's own cli.js. */
  nodePath: string;
  cliPath: string;
  /** Arguments of `hearth serve` without `--print-unit` and without keys, which ps would show. */
  args: string[];
  modelPath: string;
  /** Most memory that the service may take before the kernel ends it. */
  memoryMaxBytes: number;
};

/** Text for /etc/systemd/system/hearth.service. */
export function systemdUnit({ nodePath, cliPath, args, modelPath, memoryMaxBytes }: UnitOptions) {
  const command = [nodePath, cliPath, 'serve', ...args].map(quote).join(' ');
  return `# Save as /etc/systemd/system/hearth.service, then:
#   systemctl daemon-reload && systemctl enable --now hearth
# Keys and other settings: HEARTH_API_KEY=… in /etc/hearth/env, readable by root alone.
[Unit]
Description=hearth: chat from ${escapeSpecifiers(path.basename(modelPath))}
After=network.target
StartLimitIntervalSec=600
StartLimitBurst=5

[Service]
Type=notify
NotifyAccess=main
ExecStart=${command}
EnvironmentFile=-/etc/hearth/env
Environment=XDG_STATE_HOME=/var/lib
Environment=HOME=/var/lib/hearth
Restart=on-failure
RestartSec=5
TimeoutStartSec=15min
TimeoutStopSec=2min
WatchdogSec=60

DynamicUser=yes
StateDirectory=hearth
StateDirectoryMode=0700
RuntimeDirectory=hearth
UMask=0077
# For a GPU at /dev/dri: SupplementaryGroups=video render
ReadOnlyPaths=${quote(path.dirname(modelPath))}

MemoryMax=${memoryMaxBytes}
MemorySwapMax=0
OOMPolicy=continue
TasksMax=512
LimitNOFILE=8192

NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service

[Install]
WantedBy=multi-user.target
`;
}

/** An argument as ExecStart reads it: quoted where it must be, `%` and `$` doubled. */
function quote(argument: string): string {
  const escaped = escapeSpecifiers(argument).replaceAll('$', '$$$$').replace(/["\\]/g, '\\$&');
  return /^[\w@%+=:,./$-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}

function escapeSpecifiers(text: string): string {
  return text.replaceAll('%', '%%').replace(/[\r\n]/g, ' ');
}
