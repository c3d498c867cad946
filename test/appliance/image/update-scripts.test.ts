// What a device does around an update, in scripts of its own: copies what a bundle does not bring, has the
// other system start next, lets a system stay or starts again, says what became of it. On a folder in place of the device, with the handler
// of the loader stood in for: boot-handler.test.ts has that.
import t from 'tap';
import { fakeDevice } from './fake-device.js';

const INSTALLED = 'SLOT=b\nRELEASE=1.1\nFROM=1.0\n';
const handler = (primary: string, wasTried = 'no') => `case $1 in
get-primary) echo ${primary} ;;
was-tried) echo ${wasTried} ;;
esac`;

t.test('what became of an update is said once it is known', (t) => {
  const outcomeOf = (runs: string, boot: string, record = 'installed') => {
    const it = fakeDevice(t, { boot, files: { [`data/update/${record}`]: INSTALLED } });
    const { status, stderr } = it.run('outcome', [runs]);
    t.equal(status, 0, stderr);
    return {
      said: it.read('data/update/outcome'),
      waiting: it.read('data/update/installed'),
      stderr,
    };
  };
  t.match(outcomeOf('b', handler('b')), {
    said: /^OUTCOME=updated\nRELEASE=1.1\nFROM=1.0\nAT=/,
    waiting: null,
  });
  const back = outcomeOf('a', handler('a', 'yes'));
  t.match(back, { said: /^OUTCOME=fell-back\n/, waiting: null });
  t.match(back.stderr, '1.1 did not answer; 1.0 runs again', 'the log, too');
  t.same(outcomeOf('a', handler('b')).waiting, INSTALLED, 'it was not started yet');
  t.match(outcomeOf('a', handler('a')), { said: null, waiting: null }, 'it was broken off');
  t.match(
    outcomeOf('b', handler('b'), 'installing'),
    { said: /^OUTCOME=updated\n/, waiting: null },
    'the power went right after it was chosen',
  );
  t.end();
});

const SETTINGS = {
  'run/hearth-settings/device': 'PORT=8080\nPATIENCE_S=60\n',
  'run/hearth-settings/keys': 'first key\nsecond\n',
  'usr/lib/hearth/outcome': '',
};
const untried = (primary: string) => `case $1 in
get-current) echo b ;;
is-untried) exit 0 ;;
get-primary) echo ${primary} ;;
esac`;

t.test('a system stays once it has answered, and starts again where it does not', (t) => {
  const healthy = (answers: 'all' | 'health' | 'nothing', uptime: number, boot: string) => {
    const programs = {
      busybox: `echo "$@" >>"$CALLED"; case $*:${answers} in *:all | */health:health) ;; *) exit 1 ;; esac`,
      systemctl: `echo "$@" >>"$ASKED"`,
      // Time goes by while it sleeps.
      sleep: 'echo 99999.0 0 >"$UPTIME"',
    };
    const files = { ...SETTINGS, 'proc/uptime': `${uptime}.5 1\n` };
    const it = fakeDevice(t, { boot, files, programs });
    const { status } = it.run('healthy', [], {
      ASKED: it.at('asked'),
      CALLED: it.at('called'),
      UPTIME: it.at('proc/uptime'),
    });
    return { status, asked: it.read('asked') ?? '', called: it.read('called') ?? '' };
  };
  const well = healthy('all', 5, untried('b'));
  t.match(well.asked, 'set-state b good\n');
  t.match(
    well.called,
    /authorization: Bearer first key .*prompt.* http:.*:8080\/v1\/completions\n$/,
  );
  const mute = healthy('health', 5, untried('b'));
  t.match(mute.called, '/v1/completions', 'a system that decodes and answers no question is asked');
  t.match(mute.asked, /get-primary\nreboot\n$/, 'and does not stay');
  const late = healthy('nothing', 5, untried('b'));
  t.match(late.asked, /get-primary\nreboot\n$/);
  t.notMatch(late.asked, 'set-state');
  t.notMatch(
    healthy('nothing', 70, untried('')).asked,
    'reboot',
    'where nothing else starts, it goes on',
  );
  const stays = 'case $1 in get-current) echo a ;; is-untried) exit 1 ;; esac';
  t.equal(
    healthy('nothing', 5, stays).asked,
    'get-current\nis-untried a\n',
    'one that stays is not asked',
  );
  t.end();
});

t.test('what a bundle does not bring is copied beside what it brings', (t) => {
  const partitions = {
    'system-a': 'system 1',
    'system-b': 'system 0',
    'model-a': 'model 1',
    'model-b': 'model 0',
  };
  const files = Object.fromEntries(
    Object.entries(partitions).map(([name, text]) => [`run/hearth-disk/${name}`, text]),
  );
  const fill = (boot: string, wanted = '1.1') => {
    const it = fakeDevice(t, {
      boot,
      files: {
        ...{ ...files, 'bundle/manifest.raucm': '[update]\nversion=1.1\n' },
        'data/update/installing': `SLOT=b\nRELEASE=${wanted}\nFROM=1.0\n`,
      },
    });
    const rauc = { RAUC_BUNDLE_MOUNT_POINT: it.at('bundle'), RAUC_IMAGE_CLASS_1: 'system' };
    const { status, stderr } = it.run('fill-slots', [], rauc);
    const disk = Object.keys(partitions).map((name) => it.read(`run/hearth-disk/${name}`));
    return { status, stderr, disk, asked: it.read('asked') ?? '' };
  };
  const settled = 'case $1 in get-current) echo a ;; is-untried) exit 1 ;; esac';
  const filled = fill(settled);
  t.same(filled.disk, ['system 1', 'system 0', 'model 1', 'model 1'], filled.stderr);
  t.match(filled.asked, /set-state b bad\n$/, 'and what is being written does not start');
  const untouched = Object.values(partitions);
  const early = fill('case $1 in get-current) echo a ;; esac');
  t.match(early, { status: 1, stderr: /has not answered yet/, disk: untouched });
  t.match(fill(settled, '1.2'), { status: 1, stderr: /1\.2 was looked at/, disk: untouched });
  t.end();
});

t.test('a system of which only the model was written starts next, too', (t) => {
  const asked = (state: string) => {
    const boot = `case $1 in get-current) echo a ;; get-state) echo ${state} ;; esac`;
    const it = fakeDevice(t, { boot });
    const { status, stderr } = it.run('start-next');
    t.equal(status, 0, stderr);
    return it.read('asked');
  };
  t.equal(asked('bad'), 'get-current\nget-state b\nset-primary b\n');
  t.equal(asked('good'), 'get-current\nget-state b\n', 'RAUC has chosen one that it wrote');
  t.end();
});
