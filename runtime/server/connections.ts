// The server's connections, and which of them a shutdown has to wait for.
// Node waits for every connection that has a request or never had one, such as those that a browser
// opens ahead of need; here only an answer under way counts.
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

/** Returns what ends those without a whole request that is being answered. */
export function followConnections(server: Server): () => void {
  /** Each open socket with the request that it waits for an answer to. */
  const open = new Map<Socket, IncomingMessage | null>();
  server.on('connection', (socket) => {
    open.set(socket, null);
    socket.once('close', () => open.delete(socket));
  });
  server.on('request', (request, response) => {
    const { socket } = request;
    open.set(socket, request);
    response.once('close', () => {
      if (open.get(socket) === request) open.set(socket, null);
    });
  });
  return () => {
    for (const [socket, request] of open) if (!request?.complete) socket.destroy();
  };
}
