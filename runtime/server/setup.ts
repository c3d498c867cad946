// The setup of a device at its first start: a page and its two calls, for one person in the house, once.
// What was set goes to root as a file (setup-request.ts), and this server starts again with it in force;
// its configuration then says nothing of a setup, and there is none.
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { hasWifi } from '../setup/has-wifi.js';
import { readOwnerSettings, SettingError } from '../setup/owner-settings.js';
import { leaveRequest } from '../setup/setup-request.js';
import { isFromHouse } from './local-peer.js';
import { ApiError, badRequest } from './openai-error.js';

export const SETUP_PATH = '/setup';

/** Larger than the longest settings. */
const MAX_BODY_BYTES = 4096;

export type SetupOptions = {
  /** Where what was set goes; the setup is open until it is there. */
  file: string;
  /** Where Linux lists network cards. */
  cardsFolder?: string;
};

export function setup(app: FastifyInstance, { file, cardsFolder }: SetupOptions): void {
  // Root takes the file away once it is in force, a moment before this server ends.
  let isSet = false;
  const isOpen = () => !isSet && !existsSync(file);
  const check = async (request: FastifyRequest) => checkSetup(request, isOpen());

  // Whoever opens the chat first sets up first.
  app.addHook('onRequest', async (request, reply) => {
    const isPage = /^\/(?:index\.html)?(?:\?|$)/.test(request.url) && request.method === 'GET';
    if (isPage && isOpen() && isFromHouse(request))
      return reply.header('cache-control', 'no-store').redirect(SETUP_PATH);
  });
  app.get(SETUP_PATH, { onRequest: check }, (_request, reply) => reply.sendFile('setup.html'));
  app.get(`${SETUP_PATH}/device`, { onRequest: check }, () => ({
    hostname: hostname(),
    wifi: hasWifi(cardsFolder),
  }));
  app.post(
    SETUP_PATH,
    { onRequest: check, bodyLimit: MAX_BODY_BYTES },
    async ({ body }: FastifyRequest) => {
      const settings = settingsOf(body);
      if (isSet || !(await leaveRequest(file, settings))) throw alreadySet();
      isSet = true;
      return { hostname: settings.hostname };
    },
  );
}

function checkSetup(request: FastifyRequest, isOpen: boolean): void {
  if (!isFromHouse(request))
    throw new ApiError(
      'a device is set up from its own network; open the address that its screen shows, in IPv4',
      { status: 403, code: 'not_local' },
    );
  checkOrigin(request);
  if (!isOpen) throw alreadySet();
}

/** A page on the web may send its visitor's browser here; the browser says so. */
function checkOrigin({ headers }: FastifyRequest): void {
  const { origin, host } = headers;
  if (origin === undefined) return;
  if (URL.canParse(origin) && new URL(origin).host === host) return;
  throw new ApiError(`the page ${origin} may not set up this device; open its own page`, {
    status: 403,
    code: 'origin_not_allowed',
  });
}

function alreadySet(): ApiError {
  return new ApiError('this device has been set up already, which is done once', {
    status: 410,
    code: 'already_set_up',
  });
}

function settingsOf(body: unknown) {
  try {
    return readOwnerSettings(body);
  } catch (error) {
    if (error instanceof SettingError)
      throw badRequest(error.message, error.setting, 'invalid_setting');
    throw error;
  }
}
