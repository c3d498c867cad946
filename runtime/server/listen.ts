// Where the server listens: a port, or a UNIX socket, with every way in which that can fail said.
// A socket's path is looked at first: what the system answers there is mostly the wrong reason.
import { chmod, stat, unlink } from 'node:fs/promises';
import { createConnection } from 'node:net';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';

export type ListenAt =
  | { kind: 'port'; host: string; port: number }
  | { kind: 'socket'; path: string };

/** The port is in use, may not be had, or the socket's path cannot be. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code = 'HEARTH_LISTEN';
}

/** `sun_path` of sockaddr_un without the NUL at its end; a longer path would be cut off. */
const MAX_SOCKET_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

/** The address: `http://127.0.0.1:8080`, or the socket's path. Throws {@link ListenError}. */
export async function listen(app: FastifyInstance, where: ListenAt): Promise<string> {
  try {
    if (where.kind === 'port') return await app.listen({ host: where.host, port: where.port });
    await makeWay(where.path);
    await app.listen({ path: where.path });
    // As far as the file's owner and group go: it replaces the key.
    await chmod(where.path, 0o660);
    return where.path;
  } catch (cause) {
    await app.close();
    if (cause instanceof ListenError) throw cause;
    throw new ListenError(listenMessage(where, cause as NodeJS.ErrnoException), { cause });
  }
}

async function makeWay(socketPath: string): Promise<void> {
  const bytes = Buffer.byteLength(socketPath);
  if (bytes > MAX_SOCKET_PATH_BYTES)
    throw new ListenError(
      `${socketPath} has ${bytes} bytes, and the path of a socket at most ${MAX_SOCKET_PATH_BYTES}; choose a shorter one with --socket`,
    );
  const folder = path.dirname(socketPath);
  const isFolder = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new ListenError(`${folder} is not a folder; make it, or choose another`);
  const found = await stat(socketPath).catch(() => null);
  if (found && !found.isSocket())
    throw new ListenError(
      `${socketPath} is there already and is not a socket; move it, or choose another with --socket`,
    );
  if (found && !(await isAlive(socketPath))) await unlink(socketPath);
}

/** A killed server leaves its socket behind; one that answers is another server's. */
async function isAlive(socketPath: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = createConnection(socketPath, () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function listenMessage(where: ListenAt, error: NodeJS.ErrnoException): string {
  const name = where.kind === 'port' ? `${where.host}:${where.port}` : where.path;
  const change = where.kind === 'port' ? '--port' : '--socket';
  if (error.code === 'EADDRINUSE')
    return `${name} is in use by another program; stop that, or choose another with ${change}`;
  if (error.code === 'EACCES')
    return `${name} may not be used by this user; choose another with ${change}`;
  return `${name} cannot be listened on: ${error.message}`;
}
