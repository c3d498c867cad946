// Q4_K and Q5_K: blocks of 256 weights in 8 sub-blocks of 32, each with a 6-bit scale and min.
// Two groups of four lanes make a block: sub-blocks 0 to 3 and 4 to 7.
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

const GROUPS = memory.data(3648, 16);
/** u8[8 sub-blocks] each: the 6-bit scales and mins. */
const LS = memory.data(8);
const LM = memory.data(8);
/** f32[8 sub-blocks] each: the same as numbers. */
const D = memory.data(32, 16);
const DM = memory.data(32, 16);
/** u8[256]: codes in the order of the weights. */
const CODES = memory.data(256, 16);

/** 144 bytes: d and dmin in half precision, 12 bytes of scales and mins, 128 of codes. */
export function quantiseQ4K(nBlocks: i32): i32 {
  startDeferring();
  for (let block = 0; block < nBlocks; block++) {
    const target = TARGET + 144 * block;
    if (fitQ4K(SOURCE + 1024 * block)) {
      storeScales(target);
      storeGroupCodes(0, 15);
      storeGroupCodes(1, 15);
      storeNibbles(target + 16);
    } else defer(block);
  }
  return deferred();
}

/** 176 bytes: as Q4_K, with 32 bytes of the codes' fifth bits before the nibbles. */
export function quantiseQ5K(nBlocks: i32): i32 {
  startDeferring();
  for (let block = 0; block < nBlocks; block++) {
    const target = TARGET + 176 * block;
    if (fitQ5K(SOURCE + 1024 * block)) {
      storeScales(target);
      storeGroupCodes(0, 31);
      storeGroupCodes(1, 31);
      storeFifthBits(target + 16);
      storeNibbles(target + 48);
    } else defer(block);
  }
  return deferred();
}

@inline
function storeGroupCodes(j: i32, nMax: i32): void {
  const d = v128.load(D + 16 * j);
  const dm = v128.load(DM + 16 * j);
  storeFinalCodes(GROUPS + GROUP_BYTES * j, 32, nMax, d, dm, CODES + 128 * j);
}

function fitQ4K(source: usize): bool {
  return prepare(source) && fit(GROUPS, 32, 15, -1, 20, false);
}

function fitQ5K(source: usize): bool {
  return prepare(source) && fit(GROUPS, 32, 31, -0.5, 15, false);
}

function prepare(source: usize): bool {
  const ordinary = toLanes(source, 32, GROUPS);
  if (!toLanes(source + 512, 32, GROUPS + GROUP_BYTES) || !ordinary) return false;
  storeWeights(GROUPS);
  storeWeights(GROUPS + GROUP_BYTES);
  return true;
}

/** A number weighs its size plus the sub-block's root mean square. */
function storeWeights(x: usize): void {
  let sum = f32x4.splat(0);
  for (let p = x; p < x + 512; p += 16) {
    const xi = v128.load(p);
    sum = f32x4.add(sum, f32x4.mul(xi, xi));
  }
  const rms = f32x4.sqrt(f32x4.div(sum, f32x4.splat(32)));
  for (let p = x; p < x + 512; p += 16)
    v128.store(p, f32x4.add(rms, f32x4.abs(v128.load(p))), WEIGHTS);
}

/** Rounds the 8 scales and mins to 6 bits of their largest; leaves what they became in D and DM. */
function storeScales(target: usize): void {
  let maxScale: f32 = 0;
  let maxMin: f32 = 0;
  for (let j = 0; j < 8; j++) {
    const scale = load<f32>(laneAddress(j), SCALE);
    const min = -load<f32>(laneAddress(j), MIN);
    if (scale > maxScale) maxScale = scale;
    if (min > maxMin) maxMin = min;
  }
  const d = toF16(maxScale / 63);
  const dMin = toF16(maxMin / 63);
  store<u16>(target, d);
  store<u16>(target, dMin, 2);
  const inverseScale: f32 = maxScale > 0 ? <f32>63 / maxScale : 0;
  const inverseMin: f32 = maxMin > 0 ? <f32>63 / maxMin : 0;
  for (let j = 0; j < 8; j++) {
    const ls = sixBits(inverseScale * load<f32>(laneAddress(j), SCALE));
    const lm = sixBits(inverseMin * -load<f32>(laneAddress(j), MIN));
    store<u8>(LS + j, ls);
    store<u8>(LM + j, lm);
    store<f32>(D + 4 * j, fromF16(d) * <f32>ls);
    store<f32>(DM + 4 * j, fromF16(dMin) * <f32>lm);
  }
  packSixBits(target + 4);
}

/** A negative scale wraps in its byte before it is held to 63, as in llama.cpp. */
function sixBits(x: f32): u8 {
  return min<u8>(63, <u8>nearestInt(x));
}

@inline
function laneAddress(j: i32): usize {
  return GROUPS + GROUP_BYTES * (j >> 2) + 4 * (j & 3);
}

/** The upper 2 bits of sub-blocks 4 to 7 go above the 6 bits of sub-blocks 0 to 3. */
function packSixBits(target: usize): void {
  for (let j = 0; j < 4; j++) {
    const ls = load<u8>(LS + j, 4);
    const lm = load<u8>(LM + j, 4);
    store<u8>(target + j, load<u8>(LS + j) | ((ls >> 4) << 6));
    store<u8>(target + j, load<u8>(LM + j) | ((lm >> 4) << 6), 4);
    store<u8>(target + j, (ls & 15) | (lm << 4), 8);
  }
}

/** Sub-block 2k in the lower nibbles of 32 bytes, 2k + 1 in the upper ones. */
function storeNibbles(target: usize): void {
  const nibble = i8x16.splat(15);
  for (let j: usize = 0; j < 256; j += 64)
    for (let l: usize = 0; l < 32; l += 16) {
      const low = v128.and(v128.load(CODES + j + l), nibble);
      const high = i8x16.shl(v128.and(v128.load(CODES + j + l, 32), nibble), 4);
      v128.store(target + (j >> 1) + l, v128.or(low, high));
    }
}

/** Bit j of byte l is the fifth bit of code l of sub-block j. */
function storeFifthBits(target: usize): void {
  const one = i8x16.splat(1);
  for (let l: usize = 0; l < 32; l += 16) {
    let bits = i8x16.splat(0);
    for (let j = 0; j < 8; j++) {
      const fifth = v128.and(i8x16.shr_u(v128.load(CODES + 32 * j + l), 4), one);
      bits = v128.or(bits, i8x16.shl(fifth, j));
    }
    v128.store(target + l, bits);
  }
}
