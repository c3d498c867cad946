// The models that the server offers, and which of them a conversation is answered by.
// A server of one model is not told which: it takes any name.
import { askJson } from '../shared/server-client.js';
import { field } from '../shared/server-error.js';
import type { Settings } from './conversation.js';

export type OfferedModel = { id: string; isLoaded: boolean };

let offered: readonly OfferedModel[] = [];

/** Asks the server; keeps what was known where it does not say. */
export async function readModels(): Promise<readonly OfferedModel[]> {
  const data = field(await askJson('v1/models').catch(() => null), 'data');
  if (Array.isArray(data)) offered = data.flatMap(modelOf);
  return offered;
}

/** The one that was chosen, while it is offered; null where there is nothing to choose. */
export function modelFor({ model }: Settings): string | null {
  if (offered.length < 2) return null;
  const chosen = offered.find(({ id }) => id === model);
  return (chosen ?? offered.find(({ isLoaded }) => isLoaded) ?? offered[0])?.id ?? null;
}

function modelOf(value: unknown): OfferedModel[] {
  const id = field(value, 'id');
  if (typeof id !== 'string') return [];
  return [{ id, isLoaded: field(field(value, 'hearth'), 'loaded') === true }];
}
