// A real Chromium for the tests of the pages, as the people at home have one.
// It is the system's own (apt-get install chromium, or CHROMIUM_PATH=path): nothing is downloaded.
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { findTool, needsTool } from './needs.js';

const ARGUMENTS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

type Teardown = { teardown(run: () => Promise<void>): void };

/** Closed when the test `t` ends. */
export async function launchBrowser(t: Teardown): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: browserPath(), args: ARGUMENTS });
  t.teardown(() => browser.close());
  return browser;
}

export type OpenPage = {
  page: Page;
  /** Errors of scripts and breaches of the content security policy; none is the aim. */
  faults: string[];
  /** What stands in the console as an error, answers of the server that are no success among them. */
  consoleErrors: string[];
  /** Origins that were asked for anything. */
  origins: Set<string>;
};

/** A page in a profile of its own, opened at `url`. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults: string[] = [];
  const consoleErrors: string[] = [];
  const origins = new Set<string>();
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') consoleErrors.push(message.text());
    if (/Content Security Policy/.test(message.text())) faults.push(message.text());
  });
  page.on('request', (request) => origins.add(new URL(request.url()).origin));
  await page.goto(url);
  await page.waitForSelector('#send-button[aria-label], .dashboard, .setup', { state: 'attached' });
  return { page, faults, consoleErrors, origins };
}

function browserPath(): string {
  const found = findTool('chromium');
  if (found === null) throw new Error(`${needsTool('chromium')} or CHROMIUM_PATH, its path`);
  return found;
}
