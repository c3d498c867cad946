// A static folder over HTTP, as any web server has it, which counts what it sends and may be cut off.
// The machine in QEMU finds this one at 10.0.2.2.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import path from 'node:path';
import fastifyStatic from '@fastify/static';
import fastify from 'fastify';
import { freePort } from '../../../bench/development/free-port.js';

export type UpdateServer = {
  /** as the machine calls it */
  url: string;
  /** Bytes that went out since the last call. */
  sentBytes(): number;
  close(): Promise<void>;
};

export async function serveUpdates(folder: string): Promise<UpdateServer> {
  const app = fastify({ forceCloseConnections: true });
  await app.register(fastifyStatic, { root: path.resolve(folder) });
  const open = new Set<Socket>();
  let closed = 0;
  app.server.on('connection', (socket) => {
    open.add(socket);
    once(socket, 'close').then(() => {
      open.delete(socket);
      closed += socket.bytesWritten;
    });
  });
  let told = 0;
  const port = await freePort();
  await app.listen({ host: '127.0.0.1', port });
  return {
    url: `http://10.0.2.2:${port}/`,
    sentBytes() {
      let all = closed;
      for (const socket of open) all += socket.bytesWritten;
      const since = all - told;
      told = all;
      return since;
    },
    close: () => app.close(),
  };
}
