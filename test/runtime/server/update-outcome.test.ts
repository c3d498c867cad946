import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { runEngine, runServer } from './running-server.js';

t.test('how the last update ended is in /props and /metrics once there was one', async (t) => {
  const updateOutcome = path.join(t.testdir(), 'outcome');
  const { url } = await runServer(t, await runEngine(t), { updateOutcome });
  const props = async () => (await (await fetch(`${url}/props`)).json()) as { update?: object };
  const metrics = async () => await (await fetch(`${url}/metrics`)).text();
  t.equal((await props()).update, undefined);
  t.notMatch(await metrics(), 'hearth_update{');
  const record = 'OUTCOME=failed\nRELEASE=1.1\nFROM=1.0\nAT=2026-11-29T04:00:00Z\n';
  writeFileSync(updateOutcome, `${record}REASON='no space left'\n`);
  t.same((await props()).update, {
    ...{ outcome: 'failed', release: '1.1', from: '1.0', at: '2026-11-29T04:00:00Z' },
    reason: 'no space left',
  });
  t.match(await metrics(), 'hearth_update{outcome="failed",release="1.1"} 1');
  writeFileSync(updateOutcome, 'OUTCOME=rm -rf\n');
  t.equal((await props()).update, undefined);
});
