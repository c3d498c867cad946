export { isLoopback } from './access.js';
export type { DashboardApi } from './dashboard-contract.js';
export { ListenError, type Server, type ServerOptions, startServer } from './server.js';
