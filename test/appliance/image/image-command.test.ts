import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { applianceGguf } from '../../support/appliance-gguf.js';
import { hearth } from '../../support/hearth.js';

t.test('what cannot be built is refused at once and leaves nothing', async (t) => {
  const folder = t.testdir({ 'no.gguf': 'not a model', models: {} });
  const model = await applianceGguf(path.join(folder, 'models'));
  const output = path.join(folder, 'disk.img');
  const image = async (...args: string[]) => await hearth(['image', ...args, '-o', output]);
  const target = ['--target', 'x64-uefi'];
  t.match(await image('no.gguf', '--target', 'vax'), { status: 2, stderr: /x64-uefi/ });
  t.match(await image(model, ...target, '--memory', '200MiB'), {
    status: 1,
    stderr: /needs .* and the device has/,
  });
  t.match(await image(path.join(folder, 'no.gguf'), ...target), { status: 1, stderr: /no\.gguf/ });
  t.match(await image('no.gguf', ...target, '--hostname', 'a"b'), {
    status: 1,
    stderr: /--hostname/,
  });
  const [key, cert] = [path.join(folder, 'no.gguf'), path.join(folder, 'no.gguf')];
  t.match(await image(model, ...target, '--secure-boot-key', key), {
    status: 2,
    stderr: /secure-boot-key -> secure-boot-cert/,
  });
  t.match(await image(model, ...target, '--secure-boot-cert', cert), { status: 2 });
  t.match(await image(model, ...target, '--secure-boot-key', key, '--secure-boot-cert', cert), {
    status: 1,
    stderr: /is not a certificate in PEM/,
  });
  t.notOk(existsSync(output));
  t.strictSame(readdirSync(folder).sort(), ['models', 'no.gguf']);
});
