// A server with hawkBit's interface for devices, in the shapes of its documentation: one device, one action.
// Keeps what it was told. Asserts nothing; test:update asks a server that others wrote.
import fastify, { type FastifyRequest } from 'fastify';

export type DdiServerState = {
  url: string;
  /** whoever has not this one gets 401 */
  token: string;
  wantsAttributes: boolean;
  /** of the action; null for none */
  bundle: string | null;
  cancels: boolean;
  /** whether the action was deleted, and feedback on it is nobody's */
  isGone: boolean;
  update: 'forced' | 'attempt' | 'skip';
  maintenanceWindow: string | undefined;
  /** that replaces every answer */
  says: { status: number; body: string } | null;
  told: { url: string; body: unknown }[];
};

const DEVICE = '/DEFAULT/controller/v1/hearth-525400123456';

export async function startDdiServer(t: {
  teardown(run: () => Promise<void>): void;
}): Promise<DdiServerState> {
  const app = fastify({ forceCloseConnections: true });
  const state: DdiServerState = {
    ...{
      url: '',
      token: 'secret',
      wantsAttributes: false,
      bundle: null,
      cancels: false,
      isGone: false,
    },
    ...{ update: 'attempt', maintenanceWindow: undefined, says: null, told: [] },
  };
  const link = (name: string) => ({ href: `${new URL(state.url).origin}${DEVICE}/${name}` });
  app.addHook('preHandler', async ({ headers }, reply) => {
    if (state.says) return await reply.code(state.says.status).send(state.says.body);
    if (headers.authorization !== `GatewayToken ${state.token}`) await reply.code(401).send();
  });
  app.get(DEVICE, async () => ({
    config: { polling: { sleep: '00:05:00' } },
    _links: {
      ...(state.wantsAttributes && { configData: link('configData') }),
      ...(state.cancels && { cancelAction: link('cancelAction/8') }),
      ...(state.bundle !== null &&
        !state.cancels && { deploymentBase: link('deploymentBase/7?c=-21') }),
    },
  }));
  app.get(`${DEVICE}/deploymentBase/7`, async () => ({
    id: '7',
    deployment: {
      ...{ download: 'forced', update: state.update, maintenanceWindow: state.maintenanceWindow },
      chunks: [{ part: 'os', version: '3.0', name: 'hearth', artifacts: artifactsOf(state) }],
    },
  }));
  app.get(`${DEVICE}/cancelAction/8`, async () => ({ id: '8', cancelAction: { stopId: '7' } }));
  const note = async ({ url, body }: FastifyRequest) => {
    state.told.push({ url: url.slice(DEVICE.length + 1), body });
    if (url.endsWith('configData')) state.wantsAttributes = false;
    // hawkBit answers feedback with nothing.
    return '';
  };
  app.put(`${DEVICE}/configData`, note);
  app.post(`${DEVICE}/:about/:id/feedback`, async (request, reply) => {
    if (state.isGone) return await reply.code(410).send({ errorCode: 'hawkbit.server.error.gone' });
    return await note(request);
  });
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(async () => await app.close());
  state.url = `${address}/DEFAULT/`;
  return state;
}

function artifactsOf({ bundle }: DdiServerState) {
  const hashes = { sha1: '0'.repeat(40), md5: '0'.repeat(32), sha256: '0'.repeat(64) };
  const readme = { filename: 'README', size: 1, hashes, _links: {} };
  const links = { 'download-http': { href: bundle }, 'md5sum-http': { href: `${bundle}.MD5SUM` } };
  return [readme, { filename: 'a.raucb', size: 1, hashes, _links: links }];
}
