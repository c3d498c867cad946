// Where the log lies when nobody says otherwise: the XDG folder for state.
// State, not cache: nobody may delete it to save space, and not data: it stays on this machine.
import { homedir } from 'node:os';
import path from 'node:path';

/** `$XDG_STATE_HOME/hearth/log.db`, or `~/.local/state/hearth/log.db`. */
export function defaultLogPath(env: NodeJS.ProcessEnv = process.env): string {
  const configured = env.XDG_STATE_HOME;
  // The XDG specification tells to ignore relative paths.
  const state =
    configured && path.isAbsolute(configured)
      ? configured
      : path.join(homedir(), '.local', 'state');
  return path.join(state, 'hearth', 'log.db');
}
