import t from 'tap';
import { askOwner } from '../../../appliance/setup/ask-owner.js';

const device = { hostname: 'hearth', timezone: 'UTC', hasWifi: true };

async function answered(answers: string[], more = {}) {
  const asked: string[] = [];
  const said: string[] = [];
  const dialogue = {
    ask: async (question: string) => {
      asked.push(question);
      return answers.shift() ?? null;
    },
    say: (text: string) => said.push(text),
  };
  return { owner: await askOwner(dialogue, { ...device, ...more }), asked, said };
}

t.test('each question is asked until its answer will do', async (t) => {
  const { owner, asked, said } = await answered([
    ...['the kitchen', 'Kitchen', 'Tokyo', 'asia/tokyo', 'short', 'key-of-the-house'],
    ...['家'.repeat(11), 'House', 'short', 'correct horse'],
  ]);
  t.strictSame(owner, {
    ...{ hostname: 'kitchen', timezone: 'Asia/Tokyo', apiKey: 'key-of-the-house' },
    wifi: { ssid: 'House', passphrase: 'correct horse' },
  });
  t.equal(said.length, 5);
  t.match(said[0], /"the kitchen" is not the name of a machine; expected/);
  t.equal(asked.length, 10);
});

t.test('empty answers leave it as it is, without a key', async (t) => {
  const { owner } = await answered(['', '', '', '']);
  t.strictSame(owner, { hostname: 'hearth', timezone: 'UTC', apiKey: null, wifi: null });
  const cable = await answered(['', '', ''], { hasWifi: false });
  t.match(cable.owner, { wifi: null }, 'and nobody is asked for a network without a card for it');
  t.strictSame((await answered(['', '', '', 'House', ''])).owner?.wifi, {
    ...{ ssid: 'House', passphrase: null },
  });
});

t.test('spaces around a name are no part of it; those of a network are', async (t) => {
  const { owner } = await answered([
    ' kitchen ',
    ' UTC',
    ' key-of-the-house ',
    'House ',
    ' 8 words ',
  ]);
  t.strictSame(owner, {
    ...{ hostname: 'kitchen', timezone: 'UTC', apiKey: 'key-of-the-house' },
    wifi: { ssid: 'House ', passphrase: ' 8 words ' },
  });
});

t.test('who leaves in the middle has set nothing', async (t) => {
  t.equal((await answered(['kitchen', 'UTC'])).owner, null);
});
