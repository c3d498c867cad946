import t from 'tap';
import {
  checkTools,
  type DebianTool,
  missingPackages,
  runTool,
} from '../../../appliance/image/debian-tools.js';
import { IMAGE_MACHINES } from '../../../appliance/image/image-machine.js';

const own = IMAGE_MACHINES[process.arch === 'arm64' ? 'arm64-uefi' : 'x64-uefi'];
const other = IMAGE_MACHINES[process.arch === 'arm64' ? 'x64-uefi' : 'arm64-uefi'];

t.test('all missing packages are named at once, with the command that installs them', async (t) => {
  const without =
    (...missing: string[]) =>
    async (file: string) =>
      !missing.some((program) => file.endsWith(`/${program}`));
  await t.resolves(checkTools(own, [], without()));
  await t.rejects(checkTools(own, [], without('mmdebstrap', 'mksquashfs', 'mkfs.vfat')), {
    code: 'HEARTH_IMAGE',
    message: /apt-get install --no-install-recommends mmdebstrap squashfs-tools dosfstools$/,
  });
  await t.rejects(
    checkTools(other, [], without(`qemu-${other.emulator}`)),
    /qemu-user-static binfmt-support$/,
  );
  const compiler = `${other.emulator}-linux-gnu-g++`;
  await t.rejects(
    checkTools(other, [], without('zstd', compiler, 'make', `qemu-${other.emulator}`)),
    /recommends zstd g\+\+-(aarch64|x86-64)-linux-gnu make qemu-user-static binfmt-support$/,
  );
});

t.test(
  'so are those that another job needs beside, programs and files, each package once',
  async (t) => {
    const isThere = async (file: string) => !/mkfs\.ext4$|debugfs$|CODE\.fd$/.test(file);
    const more: DebianTool[] = [
      ['debugfs', 'e2fsprogs'],
      ['/usr/share/OVMF/CODE.fd', 'ovmf'],
      ['ssh', 'openssh-client'],
    ];
    const missing = await missingPackages(own, more, isThere);
    t.same(missing, ['e2fsprogs', 'ovmf']);
  },
);

t.test('a tool hears what is written to it, and says what it says', async (t) => {
  t.equal(await runTool('cat', [], { input: 'words' }), 'words');
  t.equal(
    await runTool('sh', ['-c', 'echo $A $LC_ALL $SOURCE_DATE_EPOCH'], { env: { A: '1' } }),
    '1 C\n',
  );
});

t.test('a tool that fails is named, with its last words', async (t) => {
  const failing = runTool('sh', ['-c', 'echo why >&2; exit 3'], { input: 'x'.repeat(1 << 20) });
  await t.rejects(failing, /^sh failed \(exit code 3\): why$|sh failed \(exit code 3\): why/);
  await t.rejects(runTool('no-such-tool', []), /ENOENT/);
  const signal = AbortSignal.timeout(100);
  await t.rejects(runTool('sleep', ['60'], { signal }), { name: /Abort|Timeout/ });
});
