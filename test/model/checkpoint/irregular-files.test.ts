// What stands in place of a file and is none: pipes, folders, links, devices. Nothing here may block.
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { folderAfter, testBombs } from './bomb.js';

testBombs({
  'a pipe': {
    message: /not a regular file/,
    write(folder) {
      const pipe = path.join(folder, 'pytorch_model.bin');
      execFileSync('mkfifo', [pipe]);
      return pipe;
    },
  },
  'a folder with pipes for files': {
    message: /neither pytorch_model\.bin nor model\.safetensors/,
    write(folder) {
      execFileSync('mkfifo', [path.join(folder, 'pytorch_model.bin')]);
      execFileSync('mkfifo', [path.join(folder, 'model.safetensors')]);
      return folder;
    },
  },
  'a shard that is a pipe': folderAfter(/not a regular file/, (folder) => {
    execFileSync('rm', [path.join(folder, 'model.safetensors')]);
    execFileSync('mkfifo', [path.join(folder, 'a.safetensors')]);
    writeFileSync(
      path.join(folder, 'model.safetensors.index.json'),
      JSON.stringify({ weight_map: { 'lm_head.weight': 'a.safetensors' } }),
    );
  }),
  'a config that is a pipe': folderAfter(/not a regular file/, (folder) => {
    execFileSync('rm', [path.join(folder, 'config.json')]);
    execFileSync('mkfifo', [path.join(folder, 'config.json')]);
  }),
  'a folder in place of the weights': {
    message: /neither pytorch_model\.bin nor model\.safetensors/,
    write(folder) {
      mkdirSync(path.join(folder, 'pytorch_model.bin'));
      return folder;
    },
  },
  'links in a circle': {
    message: /cannot be read \(ELOOP\)/,
    write(folder) {
      symlinkSync(path.join(folder, 'b.bin'), path.join(folder, 'a.bin'));
      symlinkSync(path.join(folder, 'a.bin'), path.join(folder, 'b.bin'));
      return path.join(folder, 'a.bin');
    },
  },
  'a folder that links to itself': {
    message: /neither pytorch_model\.bin nor model\.safetensors/,
    write(folder) {
      symlinkSync(folder, path.join(folder, 'model.safetensors'));
      return folder;
    },
  },
  'an endless device': {
    message: /not a regular file/,
    write(folder) {
      const link = path.join(folder, 'pytorch_model.bin');
      symlinkSync('/dev/zero', link);
      return link;
    },
  },
});
