export type { DashboardApi } from './dashboard-contract.js';
export { ListenError } from './listen.js';
export { isLoopback } from './loopback.js';
export { type Server, type ServerOptions, startServer } from './server.js';
