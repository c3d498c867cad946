// Short answers that both parts of the OTLP bench ask for, and how their servers are started.
import { user, wholeChat } from '../serve/client.js';

const CLIENTS = 4;
const MAX_TOKENS = 8;
export const LOAD = { threads: 1, nCtx: 512, parallel: CLIENTS };
/** Often, so that its cost is seen: sixty times as often as by default. */
export const ENV = { OTEL_METRIC_EXPORT_INTERVAL: '1000', OTEL_EXPORTER_OTLP_TIMEOUT: '2000' };

/** Rejects where one of them fails. */
export async function ask(url: string, count: number): Promise<void> {
  let left = count;
  const client = async () => {
    while (left-- > 0) {
      const { error } = await wholeChat({ url, messages: user(`${left}`), maxTokens: MAX_TOKENS });
      if (error !== null) throw new Error(`an answer failed: ${error}`);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

export function common(what: string) {
  return { part: 'otlp', what, model: 'appliance' };
}
