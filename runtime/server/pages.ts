// The page at / and the dashboard, as files that ship in the package.
// They load without a key and ask for it; what they then call is the API like any other client.
// Nothing outside the folder can be reached: @fastify/static resolves and checks every path.
import { existsSync } from 'node:fs';
import path from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { SETUP_PATH } from './setup.js';

/** Where the build puts the bundled pages: beside the compiled runtime. */
export const WEB_FOLDER = path.join(import.meta.dirname, '../web');

/** A package built without its pages serves only the API. */
export async function pages(app: FastifyInstance, folder = WEB_FOLDER): Promise<void> {
  if (!existsSync(path.join(folder, 'index.html'))) return;
  await app.register(fastifyStatic, {
    root: folder,
    index: ['index.html'],
    dotfiles: 'deny',
    allowedPath: (name, _root, request) => !isSetupPage(name) || isAtSetup(request),
    cacheControl: false,
    setHeaders: (response, file) => response.setHeader('cache-control', cacheControl(folder, file)),
  });
  app.get('/dashboard', (_request, reply) => reply.sendFile('dashboard.html'));
}

/** setup.ts says who sees it, and when. */
function isSetupPage(name: string): boolean {
  return path.posix.basename(name) === 'setup.html';
}

function isAtSetup({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.url === SETUP_PATH;
}

/** An asset has its hash in its name and never changes; what names assets is asked for each time. */
function cacheControl(folder: string, file: string): string {
  const isAsset = path.relative(folder, file).startsWith(`assets${path.sep}`);
  return isAsset ? 'public, max-age=31536000, immutable' : 'no-cache';
}
