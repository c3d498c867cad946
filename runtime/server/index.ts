export type { DashboardApi } from './dashboard-contract.js';
export { isLoopback } from './loopback.js';
export { ListenError, type Server, type ServerOptions, startServer } from './server.js';
