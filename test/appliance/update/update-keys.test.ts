import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { readBootSigner } from '../../../appliance/image/boot-signer.js';
import { hearth } from '../../support/hearth.js';
import { skipFileWithout } from '../../support/needs.js';
import { makeExpiredSigner } from './expired-signer.js';

skipFileWithout('openssl');

t.test('firmware takes the certificate of Secure Boot, and images its key', async (t) => {
  const folder = path.join(t.testdir(), 'keys');
  const made = await hearth(['keys', folder, '--name', 'Küchen AG', '--json']);
  const { boot_key, boot_cert, key, cert } = JSON.parse(made.stdout);
  const text = execFileSync('openssl', ['x509', '-in', boot_cert, '-noout', '-text'], {
    encoding: 'utf8',
  });
  t.match(text, /Public-Key: \(2048 bit\)/);
  t.match(text, /CA:FALSE/);
  const warned: string[] = [];
  const read = async (key?: string, cert?: string) =>
    await readBootSigner({ 'secure-boot-key': key, 'secure-boot-cert': cert }, (words) =>
      warned.push(words),
    );
  t.equal(await read(), null);
  t.same(await read(boot_key, boot_cert), { key: boot_key, cert: boot_cert });
  t.same(warned, []);
  chmodSync(boot_key, 0o644);
  await read(boot_key, boot_cert);
  t.match(warned, [/others can read .*boot\.key\.pem/]);
  await t.rejects(read(key, cert), /is of ec; firmware takes rsa of 2048 bits or more/);
  await t.rejects(read(key, boot_cert), /is not the key of/);
  await t.rejects(read(boot_cert, boot_cert), /is not a private key in PEM/);
  await t.rejects(read(boot_key, boot_key), /is not a certificate in PEM/);
  await t.rejects(read(path.join(folder, 'none'), boot_cert), /cannot be read/);
  const [short, late] = [path.join(folder, 'short'), path.join(folder, 'late')];
  const words = ['req', '-x509', '-noenc', '-newkey', 'rsa:1024', '-subj', '/CN=x'];
  execFileSync('openssl', [...words, '-keyout', `${short}.key`, '-out', short], {
    stdio: 'ignore',
  });
  await t.rejects(read(`${short}.key`, short), /is of rsa with 1024 bits/);
  makeExpiredSigner(late, folder);
  await t.rejects(read(key, path.join(late, 'update.cert.pem')), /ended on/);
});

t.test('the CA vouches for the signer, and only the owner reads the keys', async (t) => {
  const folder = path.join(t.testdir(), 'keys');
  const made = await hearth(['keys', folder, '--name', 'Küchen AG', '--days', '30', '--json']);
  t.match(made, { status: 0 });
  const { ca_key, ca_cert, key, cert, boot_key, boot_cert } = JSON.parse(made.stdout);
  t.same(
    readdirSync(folder).sort(),
    [boot_cert, boot_key, ca_cert, ca_key, cert, key].map((file) => path.basename(file)),
  );
  for (const secret of [ca_key, key, boot_key]) t.equal(statSync(secret).mode & 0o777, 0o600);
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
