// The unit of `hearth serve --print-unit`: systemd starts, watches and confines the server.
// Hardened as far as a GPU allows: device files, which ProtectClock would close as well, and
// JIT-compiled JavaScript must go on working.
import path from 'node:path';

export type UnitOptions = {
  /** The node that runs this, and hearth's own cli.js. */
  nodePath: string;
  cliPath: string;
  /** Arguments of `hearth serve` without `--print-unit` and without keys, which ps would show. */
  args: string[];
  environment: Record<string, string>;
  modelPaths: string[];
  /** File of keys, which systemd reads as root and hands over; null for none. */
  keyFilePath: string | null;
  /** Folders outside the service's own that it writes to. */
  writablePaths: string[];
  /** How long an answer under way may hold up the end. */
  stopMs: number;
  /** Most memory that the service may take before the kernel ends it: bytes, or a share as `90%`. */
  memoryMax: string;
  /** Whether it may open the GPU, in the groups that Debian gives it. */
  hasGpu?: boolean;
};

/** What systemd makes for the service. */
const OWN_FOLDERS = /^\/(?:var\/lib|run)\/hearth(?:\/|$)/;
const LEAST_STOP_S = 120;
/** From the last answer to the end: the log, the engine. */
const STOP_MARGIN_S = 60;

/** Text for /etc/systemd/system/hearth.service. */
export function systemdUnit(options: UnitOptions): string {
  const { nodePath, cliPath, args, modelPaths, stopMs, memoryMax, hasGpu = false } = options;
  const command = [nodePath, cliPath, 'serve', ...args].map(quote).join(' ');
  const stopS = Math.max(LEAST_STOP_S, Math.ceil(stopMs / 1000) + STOP_MARGIN_S);
  return `# Save as /etc/systemd/system/hearth.service, then:
#   systemctl daemon-reload && systemctl enable --now hearth
# Keys and other settings: HEARTH_API_KEY=… in /etc/hearth/env, readable only by root.
[Unit]
Description=hearth: chat from ${escapeSpecifiers(modelPaths.map((file) => path.basename(file)).join(', '))}
After=network.target
StartLimitIntervalSec=600
StartLimitBurst=5

[Service]
Type=notify
NotifyAccess=main
ExecStart=${command}${keyArgument(options)}
EnvironmentFile=-/etc/hearth/env
Environment=XDG_STATE_HOME=/var/lib
Environment=HOME=/var/lib/hearth
${environmentLines(options)}Restart=on-failure
RestartSec=5
TimeoutStartSec=15min
TimeoutStopSec=${stopS}
WatchdogSec=60

DynamicUser=yes
StateDirectory=hearth
StateDirectoryMode=0700
RuntimeDirectory=hearth
UMask=0077
${hasGpu ? '' : '# For a GPU at /dev/dri: '}SupplementaryGroups=video render
ReadOnlyPaths=${[...new Set(modelPaths.map(path.dirname))].map(quote).join(' ')}
${writableLines(options)}
MemoryMax=${memoryMax}
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
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
}

/** The variable is systemd's to fill in, so it is not quoted. */
function keyArgument({ keyFilePath }: UnitOptions): string {
  return keyFilePath === null ? '' : ` --api-key-file \${CREDENTIALS_DIRECTORY}/keys`;
}

function environmentLines({ environment, keyFilePath }: UnitOptions): string {
  const lines = Object.entries(environment).map(([name, value]) => {
    return `Environment=${quote(`${name}=${value}`).replaceAll('$$', '$')}\n`;
  });
  if (keyFilePath !== null) lines.push(`LoadCredential=${quote(`keys:${keyFilePath}`)}\n`);
  return lines.join('');
}

function writableLines({ writablePaths }: UnitOptions): string {
  const others = [...new Set(writablePaths)].filter((folder) => !OWN_FOLDERS.test(folder));
  if (others.length === 0) return '';
  return `# For a user that may write there, take User= instead of DynamicUser=yes.
ReadWritePaths=${others.map(quote).join(' ')}
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
