// Asks the dashboard's endpoints, typed by the contract that the server keeps.
// The server that sent this page is of the same version, so its answers are taken as promised.
import type { DashboardApi } from '../../server/dashboard-contract.js';
import { askJson } from '../shared/server-client.js';

type Path = keyof DashboardApi;

/** The answer of one endpoint. Throws ServerError. */
export async function askDashboard<P extends Path>(
  path: P,
  query: DashboardApi[P]['query'],
): Promise<DashboardApi[P]['answer']> {
  const text = new URLSearchParams(query as Record<string, string>).toString();
  const address = path.slice(1) + (text === '' ? '' : `?${text}`);
  return (await askJson(address)) as DashboardApi[P]['answer'];
}
