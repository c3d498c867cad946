// How one of llama.cpp's libraries is loaded that node-llama-cpp may have loaded before.
import path from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';

/** By its name alone, the system finds the very library that is loaded already. */
export function loadLibrary(file: string): LibraryHandle {
  try {
    return koffi.load(path.basename(file));
  } catch {
    return koffi.load(file);
  }
}
