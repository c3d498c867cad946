// Programs that a test starts run as they do for a user: import this where they are started.
// tap loads a module into each for its coverage, which is off here: 130 ms of CPU, 15 MiB and another
// loader of modules, in processes whose time and memory tests look at.
import processOnSpawn from 'process-on-spawn';

const TAP_IMPORT = /"?--import=[^\s"]*\/@tapjs\/processinfo\/[^\s"]*"?/g;

processOnSpawn.addListener((spawning) => {
  const { NODE_OPTIONS = '', ...env } = spawning.env;
  const rest = NODE_OPTIONS.replace(TAP_IMPORT, '').trim();
  spawning.env = rest === '' ? env : { ...env, NODE_OPTIONS: rest };
});
