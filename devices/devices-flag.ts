// The option that adds a user's own devices, for every command that knows devices.
// Kept apart, so that each of them spells and explains it alike.
import { many, text } from '../terminal/flags.js';

export const devicesFlag = {
  describe: 'JSON file with devices of your own; may be given several times',
  type: 'string',
  requiresArg: true,
  defaultDescription: '$XDG_CONFIG_HOME/hearth/devices.json',
  coerce: many(text('devices')),
} as const;
