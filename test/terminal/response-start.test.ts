import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { readStart } from '../../terminal/response-start.js';

t.test('a body is read up to a limit, and one that is longer or breaks off is none', async (t) => {
  let sentBytes = 0;
  const server = createServer((request, response) => {
    if (request.url === '/short') response.end('short');
    else if (request.url === '/cut') response.write('half', () => response.destroy());
    else {
      const piece = Buffer.alloc(1 << 16);
      response.on('drain', write);
      function write() {
        while (response.write(piece)) sentBytes += piece.length;
      }
      write();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const read = async (path: string, maxBytes: number) =>
    Buffer.from(await readStart(await fetch(`http://127.0.0.1:${port}${path}`), maxBytes));
  t.equal((await read('/short', 5)).toString(), 'short');
  t.equal((await read('/short', 4)).length, 0, 'one byte too long');
  t.equal((await read('/cut', 100)).length, 0);
  t.equal((await read('/endless', 1000)).length, 0);
  t.ok(sentBytes < 100e6, 'and the connection is given up');
});
