// The server's connections, and which of them a shutdown has to wait for.
// Node waits for every connection that has a request or never had one, such as those that a browser
// opens ahead of need; here only an answer under way counts.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export class Connections {
  /** Each open socket with the request that it waits for an answer to. */
  readonly #open = new Map<Socket, IncomingMessage | null>();

  constructor(server: Server) {
    server.on('connection', (socket) => {
      this.#open.set(socket, null);
      socket.once('close', () => this.#open.delete(socket));
    });
    server.on('request', (request, response) => this.#follow(request, response));
  }

  /** Ends those without a whole request that is being answered. */
  closeUnanswered(): void {
    for (const [socket, request] of this.#open) if (!request?.complete) socket.destroy();
  }

  #follow(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    this.#open.set(socket, request);
    response.once('close', () => {
      if (this.#open.get(socket) === request) this.#open.set(socket, null);
    });
  }
}
