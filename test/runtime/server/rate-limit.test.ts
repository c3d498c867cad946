import t from 'tap';
import { post, runEngine, runServer } from './running-server.js';

const running = await runEngine(t);
const models = async (url: string, key: string) =>
  await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });

t.test('without keys an address is one caller, whatever key it sends', async (t) => {
  const { url } = await runServer(t, running, { rateLimit: 3 });
  for (const key of ['a', 'b', 'c']) t.equal((await models(url, key)).status, 200);
  const refused = await models(url, 'd');
  t.equal(refused.status, 429);
  t.ok(Number(refused.headers.get('retry-after')) > 0);
  t.match(await refused.json(), {
    error: {
      type: 'rate_limit_error',
      code: 'rate_limit_exceeded',
      message: /3 requests a minute/,
    },
  });
  t.equal((await fetch(`${url}/health`)).status, 200, 'a supervisor is not limited');
});

t.test('each key has its own count, and guesses at keys are counted', async (t) => {
  const { url } = await runServer(t, running, { rateLimit: 2, apiKeys: ['one', 'two'] });
  for (const key of ['one', 'two'])
    for (const status of [200, 200, 429]) t.equal((await models(url, key)).status, status, key);
  for (const status of [401, 401, 429])
    t.equal((await models(url, `guess at ${status}`)).status, status);
});

t.test('requests that cannot be read count as well', async (t) => {
  const { url } = await runServer(t, running, { rateLimit: 2 });
  for (const status of [400, 400, 429])
    t.equal((await post(`${url}/v1/chat/completions`, '{')).status, status);
});
