// The quantisation kernels in AssemblyScript to the WebAssembly module that the converter loads.
// Without runtime, garbage collector and imports: the kernels own static buffers only.
// Does not choose among processors; every one has 128-bit vectors or V8 refuses the module.
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const KERNELS = 'converter/quantise/simd';

export async function compileKernels() {
  const { error, stderr } = await asc.main([
    `${KERNELS}/assembly/index.ts`,
    ...['--baseDir', fileURLToPath(new URL('..', import.meta.url))],
    ...['--outFile', `dist/${KERNELS}/kernels.wasm`],
    ...['--runtime', 'stub', '--enable', 'simd', '--noAssert', '-O3'],
  ]);
  if (error) throw new Error(`The kernels do not compile:\n${stderr}`, { cause: error });
}
