import { readdirSync } from 'node:fs';
import path from 'node:path';
import fastify from 'fastify';
import t from 'tap';
import { secureHeaders } from '../../../runtime/server/access.js';
import { pages, WEB_FOLDER } from '../../../runtime/server/pages.js';

const app = fastify();
secureHeaders(app);
await pages(app);
t.teardown(() => app.close());
const assets = readdirSync(path.join(WEB_FOLDER, 'assets'), { withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map(({ name }) => name);

t.test('assets are kept by browsers for good, pages are asked for again', async (t) => {
  for (const url of ['/', '/index.html', '/dashboard', '/favicon.svg']) {
    const page = await app.inject(url);
    t.equal(page.statusCode, 200, url);
    t.equal(page.headers['cache-control'], 'no-cache');
    const headers = { 'if-none-match': page.headers.etag };
    const again = await app.inject({ url, headers });
    t.equal(again.statusCode, 304, 'and are not sent again where they are the same');
  }
  t.ok(assets.length >= 5);
  for (const asset of assets) {
    const { statusCode, headers } = await app.inject(`/assets/${asset}`);
    t.equal(statusCode, 200, asset);
    t.match(headers['cache-control'], /max-age=31536000, immutable/);
  }
  const gone = await app.inject('/assets/chat-00000000.js');
  t.equal(gone.statusCode, 404);
  t.equal(gone.headers['cache-control'], undefined, 'what is missing may come yet');
});

t.test('the policy lets a page run its own code and reach its own server alone', async (t) => {
  for (const url of ['/', '/dashboard', `/assets/${assets[0]}`]) {
    const { headers } = await app.inject(url);
    const policy = String(headers['content-security-policy']);
    t.match(policy, "default-src 'none'", url);
    for (const part of ['script-src', 'style-src', 'connect-src'])
      t.match(`${policy};`, `${part} 'self';`, part);
    t.notMatch(policy, /unsafe|\*|https?:/);
  }
});

t.test('nothing outside the folder is served', async (t) => {
  for (const url of [
    '/../package.json',
    '/..%2f..%2fpackage.json',
    '/assets/..%2f..%2f..%2fcli.js',
    '/%2e%2e/%2e%2e/cli.js',
    '/assets/',
    '/.env',
    '/setup.html',
    '/setup%2ehtml',
    '/./setup.html',
    '//setup.html',
  ])
    t.not((await app.inject(url)).statusCode, 200, url);
});
