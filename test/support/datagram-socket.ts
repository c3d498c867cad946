// What systemd has at NOTIFY_SOCKET: a datagram socket with a path, or an abstract one (`@name`).
// Node has none of these, so libc is called.
// It never blocks.
import koffi from 'koffi';

export type DatagramSocket = {
  /** The next message; empty where none has come. */
  receive(): string;
  close(): void;
};

/** A bound AF_UNIX socket, read one datagram at a time. */
export function bindDatagramSocket(name: string): DatagramSocket {
  const libc = koffi.load(null);
  const socket = libc.func('int socket(int, int, int)');
  const bind = libc.func('int bind(int, const void *, uint32_t)');
  const recv = libc.func('long recv(int, void *, size_t, int)');
  const close = libc.func('int close(int)');
  const MSG_DONTWAIT = 0x40;
  const fd = socket(1, 2, 0) as number;
  const path = Buffer.from(name.startsWith('@') ? `\0${name.slice(1)}` : `${name}\0`);
  const address = Buffer.concat([Buffer.from(Uint16Array.of(1).buffer), path]);
  if (bind(fd, address, address.length) !== 0) throw new Error(`${name} cannot be bound`);
  return {
    receive(): string {
      const bytes = Buffer.alloc(1_024);
      const count = Number(recv(fd, bytes, bytes.length, MSG_DONTWAIT));
      return bytes.toString('utf8', 0, Math.max(0, count));
    },
    close: () => void close(fd),
  };
}
