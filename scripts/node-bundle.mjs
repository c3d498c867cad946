// A package as one module for Node, as esbuild is told: in the oldest version that hearth runs on.
export const NODE_BUNDLE = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
};
