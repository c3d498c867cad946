// The setup page of a device as its owner meets it, before a real server: filled in and sent, refused,
// and too late; by axe's rules in each state.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { launchBrowser, openPage } from '../../support/browser.js';
import { skipFileWithout } from '../../support/needs.js';
import { post } from '../server/running-server.js';
import { startSetupServer } from '../server/setup-server.js';
import { axe, checkEverywhere } from './axe.js';

skipFileWithout('chromium');
const browser = await launchBrowser(t);

const LANGUAGES = [
  { locale: 'en-GB', action: 'Set up', wrongName: /up to 63 letters/, tooLate: /Somebody has/ },
  { locale: 'ja-JP', action: '設定する', wrongName: /63 文字まで/, tooLate: /すでに誰か/ },
];

for (const { locale, action, wrongName, tooLate } of LANGUAGES) {
  t.test(`an owner sets a device up, in ${locale}`, async (t) => {
    const { url, file } = await startSetupServer(t, { hasWifi: true });
    const options = { locale, timezoneId: 'Asia/Tokyo', bypassCSP: true };
    const { page, faults } = await openPage(browser, `${url}/`, options);
    t.equal(page.url(), `${url}/setup`, 'it is what one sees first');
    await page.evaluate(axe);
    await page.locator('#wifi').waitFor();
    t.equal(await page.inputValue('#timezone'), 'Asia/Tokyo', 'the zone of whoever is there');
    const key = await page.inputValue('#new-key');
    t.match(key, /^[a-z2-9]{20}$/, 'a key is made');
    await checkEverywhere(t, page, 'form');
    const send = page.getByRole('button', { name: action });
    await page.fill('#hostname', 'the kitchen');
    await send.click();
    await page.getByText(wrongName).waitFor();
    t.equal(await page.evaluate('document.activeElement.id'), 'hostname');
    await checkEverywhere(t, page, 'refused');
    await page.fill('#hostname', 'Kitchen');
    await page.fill('#ssid', '家の "Wi-Fi"');
    await page.fill('#passphrase', 'correct horse');
    await send.click();
    const link = page.locator('#new-address a');
    await link.waitFor();
    const address = `http://kitchen.local:${new URL(url).port}/`;
    t.equal(await link.textContent(), address);
    t.equal(await link.getAttribute('href'), `${address}#key=${key}`);
    await checkEverywhere(t, page, 'done');
    t.same(JSON.parse(readFileSync(file, 'utf8')), {
      ...{ hostname: 'kitchen', timezone: 'Asia/Tokyo', api_key: key },
      wifi: { ssid: '家の "Wi-Fi"', passphrase: 'correct horse' },
    });
    t.same(faults, []);
  });

  t.test(`who was second is told, in ${locale}`, async (t) => {
    const { url } = await startSetupServer(t);
    const { page } = await openPage(browser, `${url}/setup`, { locale, bypassCSP: true });
    await page.evaluate(axe);
    await page.locator('#hostname').waitFor();
    t.notOk(await page.locator('#wifi').isVisible(), 'there is no card for Wi-Fi');
    const first = { hostname: 'attic', timezone: 'UTC', api_key: null, wifi: null };
    t.equal((await post(`${url}/setup`, first)).status, 200);
    await page.getByRole('button', { name: action }).click();
    await page.getByText(tooLate).waitFor();
    t.notOk(await page.locator('#setup-form').isVisible());
    await checkEverywhere(t, page, 'too late');
  });
}

t.test('a key behind the # of the address is kept, and leaves the address', async (t) => {
  const { url } = await startSetupServer(t, { setup: null, apiKeys: ['a key %'] });
  const address = `${url}/#key=${encodeURIComponent('a key %')}`;
  const { page, faults } = await openPage(browser, address, {});
  t.equal(page.url(), `${url}/`);
  t.equal(await page.evaluate("localStorage['hearth.api-key']"), 'a key %');
  t.equal(await page.locator('dialog').count(), 0, 'nobody is asked for it');
  await page.goto(`${url}/#key=%E0%A4%A`);
  await page.reload();
  t.equal(
    await page.evaluate("localStorage['hearth.api-key']"),
    'a key %',
    'half a letter is none',
  );
  t.same(faults, []);
});
