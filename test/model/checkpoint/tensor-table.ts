// A checkpoint's tensors in the form of fixtures/checkpoints/pytorch-tensors.json, which PyTorch
// itself wrote: dtype, shape and CRC-32 of the bytes. So a wrong offset cannot pass.
import { closeSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { TensorSource } from '../../../model/checkpoint/tensor-source.js';

/** `F16 96x128 3b498552` by name. */
export function tensorTable(tensors: ReadonlyMap<string, TensorSource>): Record<string, string> {
  return Object.fromEntries([...tensors].map(([name, tensor]) => [name, tensorLine(tensor)]));
}

function tensorLine(tensor: TensorSource): string {
  const checksum = crc32(readTensorBytes(tensor)).toString(16).padStart(8, '0');
  return `${tensor.dtype} ${tensor.shape.join('x')} ${checksum}`;
}

export function readTensorBytes({ filePath, offsetBytes, sizeBytes }: TensorSource): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  const file = openSync(filePath, 'r');
  const read = readSync(file, bytes, 0, sizeBytes, offsetBytes);
  closeSync(file);
  if (read !== sizeBytes) throw new Error(`${filePath} ends inside a tensor`);
  return bytes;
}
