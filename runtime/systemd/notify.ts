// sd_notify(3): tells systemd that the service is ready, alive or stopping.
// The protocol is one datagram to the socket in NOTIFY_SOCKET, which Node cannot send: libc can, by
// koffi, within this process, where systemd-notify would be another whose messages may be refused.
import type koffi from 'koffi';

export type Notifier = {
  /** Sends `READY=1`, `STATUS=…` and the like, one a line. Throws {@link NotifyError}. */
  send(state: string): void;
  /** How often systemd wants to hear `WATCHDOG=1` at least; null where it keeps no watch. */
  readonly watchdogMs: number | null;
  close(): void;
};

export class NotifyError extends Error {
  override readonly name = 'NotifyError';
  readonly code = 'HEARTH_SYSTEMD';
}

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
/** `sun_path` of sockaddr_un, the NUL at its end included. */
const MAX_PATH_BYTES = 108;

/** Null outside systemd, and where it does not want to be told. Throws {@link NotifyError}. */
export async function openNotifier(env: NodeJS.ProcessEnv = process.env): Promise<Notifier | null> {
  const path = env.NOTIFY_SOCKET;
  if (!path || process.platform !== 'linux') return null;
  const address = socketAddress(path);
  const { default: ffi } = await import('koffi');
  const libc = bindLibc(ffi);
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new NotifyError(`no socket to tell systemd with: errno ${ffi.errno()}`);
  return {
    send(state) {
      const bytes = Buffer.from(state);
      const sent = libc.sendto(fd, bytes, bytes.length, MSG_NOSIGNAL, address, address.length);
      if (Number(sent) !== bytes.length)
        throw new NotifyError(`systemd does not listen at ${path}: errno ${ffi.errno()}`);
    },
    watchdogMs: watchdogMs(env),
    close: () => libc.close(fd),
  };
}

/** struct sockaddr_un: the family, then the path; `@` stands for the NUL of an abstract name. */
function socketAddress(path: string): Buffer {
  const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : `${path}\0`);
  if (!/^[/@]/.test(path) || name.length > MAX_PATH_BYTES)
    throw new NotifyError(`NOTIFY_SOCKET is "${path}"; expected an absolute path or @name`);
  const family = Buffer.alloc(2);
  if (isLittleEndian()) family.writeUInt16LE(AF_UNIX);
  else family.writeUInt16BE(AF_UNIX);
  return Buffer.concat([family, name]);
}

function isLittleEndian(): boolean {
  return new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
}

/** From the process itself, which has libc loaded whichever libc that is. */
function bindLibc(ffi: typeof koffi) {
  const lib = ffi.load(null);
  return {
    socket: lib.func('int socket(int, int, int)'),
    sendto: lib.func('long sendto(int, const void *, size_t, int, const void *, uint32_t)'),
    close: lib.func('int close(int)'),
  };
}

/** Set only for this process when WATCHDOG_PID names one. */
function watchdogMs(env: NodeJS.ProcessEnv): number | null {
  const isForUs = !env.WATCHDOG_PID || Number(env.WATCHDOG_PID) === process.pid;
  const us = Number(env.WATCHDOG_USEC);
  return isForUs && us > 0 ? us / 1000 : null;
}
