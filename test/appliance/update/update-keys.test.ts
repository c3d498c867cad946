import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { hearth } from '../../support/hearth.js';
import { skipFileWithout } from '../../support/needs.js';

skipFileWithout('openssl');

t.test('the CA vouches for the signer, and only the owner reads the keys', async (t) => {
  const folder = path.join(t.testdir(), 'keys');
  const made = await hearth(['keys', folder, '--name', 'Küchen AG', '--days', '30', '--json']);
  t.match(made, { status: 0 });
  const { ca_key, ca_cert, key, cert } = JSON.parse(made.stdout);
  t.same(
    readdirSync(folder).sort(),
    [ca_cert, ca_key, cert, key].map((file) => path.basename(file)),
  );
  for (const secret of [ca_key, key]) t.equal(statSync(secret).mode & 0o777, 0o600);
  const openssl = (...words: string[]) => execFileSync('openssl', words, { encoding: 'utf8' });
  t.match(openssl('verify', '-CAfile', ca_cert, '-purpose', 'smimesign', cert), /: OK$/m);
  const text = openssl('x509', '-in', cert, '-noout', '-text', '-nameopt', 'utf8');
  t.match(text, /Subject: O=Küchen AG, CN=Küchen AG updates/);
  t.match(text, /Code Signing/);
  t.throws(() => openssl('x509', '-in', cert, '-noout', '-checkend', `${31 * 86_400}`));
});

t.test('keys that are there stay, and a name is a name', async (t) => {
  const folder = t.testdir({ keys: { 'ca.key.pem': 'of ten thousand devices' } });
  const keys = path.join(folder, 'keys');
  t.match(await hearth(['keys', keys]), { status: 1, stderr: /keys are never replaced/ });
  t.equal(readFileSync(path.join(keys, 'ca.key.pem'), 'utf8'), 'of ten thousand devices');
  const other = path.join(folder, 'other');
  for (const name of ['A/CN=B', '', 'a\nb', '$ENV'])
    t.match(await hearth(['keys', other, '--name', name]), { stderr: /--name/ }, name);
  t.match(await hearth(['keys', other, '--days', '0']), { status: 2, stderr: /--days/ });
  t.match(await hearth(['keys', path.join(folder, 'no', 'keys')]), { status: 1, stderr: /ENOENT/ });
  t.same(readdirSync(folder), ['keys'], 'nothing is left');
});
