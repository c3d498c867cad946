// A page by the rules of axe-core (WCAG 2.2 A and AA, and its own best practices).
// What only a person can judge is not in them.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import type { Test } from 'tap';
import { packageRoot } from '../../support/samples.js';

/** For `page.evaluate`, once; the page's policy must let it in. */
export const axe = readFileSync(path.join(packageRoot, 'node_modules/axe-core/axe.min.js'), 'utf8');

/** The rules that a page breaks, each with the first element that does. */
export async function violations(page: Page): Promise<string[]> {
  return await page.evaluate(
    'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes[0].html))',
  );
}

/** In both themes, on a desk and on a phone. */
export async function checkEverywhere(t: Test, page: Page, state: string): Promise<void> {
  for (const width of [1280, 390])
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      t.same(await violations(page), [], `${state}, ${width} px, ${colorScheme}`);
      t.equal(await page.evaluate('document.documentElement.scrollWidth'), width, 'nothing is cut');
    }
}
