// Q2_K: blocks of 256 weights in 16 sub-blocks of 16, each with a 4-bit scale and min.
// Four groups of four lanes make a block; the search takes them two by two.
// Does not search: that is scale-and-min's.
import {
  defer,
  deferred,
  fromF16,
  nearestInt,
  SOURCE,
  startDeferring,
  TARGET,
  toF16,
  toLanes,
} from './lanes';
import { fit, GROUP_BYTES, MIN, SCALE, storeFinalCodes, WEIGHTS } from './scale-and-min';

const GROUPS = memory.data(7296, 16);
/** f32[16 sub-blocks] each: the rounded scales and mins. */
const D = memory.data(64, 16);
const DM = memory.data(64, 16);
/** u8[256]: codes in the order of the weights. */
const CODES = memory.data(256, 16);

/** 84 bytes: 16 of scales and mins, 64 of codes, d and dmin in half precision. */
export function quantiseQ2K(nBlocks: i32): i32 {
  startDeferring();
  for (let block = 0; block < nBlocks; block++) {
    const target = TARGET + 84 * block;
    if (prepare(SOURCE + 1024 * block) && fitPair(GROUPS) && fitPair(GROUPS + 2 * GROUP_BYTES)) {
      storeScales(target);
      for (let j = 0; j < 4; j++) storeGroupCodes(j);
      packCodes(target + 16);
    } else defer(block);
  }
  return deferred();
}

/** A number weighs its size. */
function prepare(source: usize): bool {
  let ordinary = true;
  for (let j = 0; j < 4; j++) {
    const x = GROUPS + GROUP_BYTES * j;
    if (!toLanes(source + 256 * j, 16, x)) ordinary = false;
    for (let p = x; p < x + 256; p += 16) v128.store(p, f32x4.abs(v128.load(p)), WEIGHTS);
  }
  return ordinary;
}

function fitPair(x: usize): bool {
  return fit(x, 16, 3, -0.5, 15, true);
}

/** Rounds the 16 scales and mins to 4 bits of their largest; leaves what they became in D and DM. */
function storeScales(target: usize): void {
  let maxScale: f32 = 0;
  let maxMin: f32 = 0;
  for (let j = 0; j < 16; j++) {
    maxScale = max(maxScale, load<f32>(laneAddress(j), SCALE));
    maxMin = max(maxMin, -load<f32>(laneAddress(j), MIN));
  }
  const d = toF16(maxScale / 15);
  const dMin = toF16(maxMin / 15);
  store<u16>(target, d, 80);
  store<u16>(target, dMin, 82);
  const inverseScale: f32 = maxScale > 0 ? <f32>15 / maxScale : 0;
  const inverseMin: f32 = maxMin > 0 ? <f32>15 / maxMin : 0;
  for (let j = 0; j < 16; j++) {
    // Not held to 4 bits: a negative scale spills over its min, as in llama.cpp.
    const scale = nearestInt(inverseScale * load<f32>(laneAddress(j), SCALE));
    const min = nearestInt(inverseMin * -load<f32>(laneAddress(j), MIN));
    const both = <u8>(scale | (min << 4));
    store<u8>(target + j, both);
    store<f32>(D + 4 * j, fromF16(d) * <f32>(both & 15));
    store<f32>(DM + 4 * j, fromF16(dMin) * <f32>(both >> 4));
  }
}

@inline
function laneAddress(j: i32): usize {
  return GROUPS + GROUP_BYTES * (j >> 2) + 4 * (j & 3);
}

function storeGroupCodes(j: i32): void {
  const d = v128.load(D + 16 * j);
  const dm = v128.load(DM + 16 * j);
  storeFinalCodes(GROUPS + GROUP_BYTES * j, 16, 3, d, dm, CODES + 64 * j);
}

/** Each half of the block: 128 codes, of which l, l + 32, l + 64 and l + 96 share a byte. */
function packCodes(target: usize): void {
  for (let half: usize = 0; half < 2; half++)
    for (let l: usize = 0; l < 32; l += 16) {
      const codes = CODES + 128 * half + l;
      const ab = v128.or(v128.load(codes), i8x16.shl(v128.load(codes, 32), 2));
      const cd = v128.or(
        i8x16.shl(v128.load(codes, 64), 4),
        i8x16.shl(v128.load(codes, 96), 6),
      );
      v128.store(target + 32 * half + l, v128.or(ab, cd));
    }
}
