// Asks llama.cpp's own parser whether it takes grammars: JSON list in, list of booleans out.
// A process of its own, because the parser complains on stderr and a bad text may end it.
// Parses alone; nothing is generated.
import { json } from 'node:stream/consumers';
import { LlamaLogLevel, openNodeLlama } from '../../../llama/node-llama.js';

const llama = await openNodeLlama({ gpu: false, logLevel: LlamaLogLevel.disabled });
const taken: boolean[] = [];
for (const grammar of (await json(process.stdin)) as string[])
  taken.push(
    await llama.createGrammar({ grammar }).then(
      () => true,
      () => false,
    ),
  );
process.stdout.write(JSON.stringify(taken), () => process.exit());
