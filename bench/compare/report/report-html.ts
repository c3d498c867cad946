import type { Comparison } from '../comparison.js';
export async function reportHtml(comparison: Comparison): Promise<string> {
  return String(comparison.startedAtMs);
}
