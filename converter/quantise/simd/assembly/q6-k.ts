// Q6_K: blocks of 256 weights in 16 sub-blocks of 16, each with an 8-bit scale and no min.
// Lane = sub-block, four groups of four lanes to a block. Tries of a sub-block do not depend on each
// other, so two run in step: the sums of one alone would wait for each addition before the next.
import {
  defer,
  deferred,
  fromF16,
  nearestInRange,
  nearestInt,
  nearestWithin,
  SOURCE,
  startDeferring,
  storeCodes,
  TARGET,
  toF16,
  toLanes,
} from './lanes';

/** Below it a sub-block, and a block's largest scale, count as zero. */
const SMALLEST: f32 = 1e-15;

// A group's fields, as offsets: f32[16][4 lanes] of numbers, x² and x³,
const SQUARES: usize = 256;
const CUBES: usize = 512;
// and f32[4 lanes] each: the sums Σwlx and Σwl² of two tries, [2][2][4 lanes],
const SUMS: usize = 768;
const SUMS_SECOND: usize = 800;
// the best scale, its Σwlx · scale, and the iscale from which its codes follow,
const SCALE: usize = 832;
const BEST: usize = 848;
const ISCALE: usize = 864;
// and -1 in the lanes that hold zeros only.
const EMPTY: usize = 880;
const GROUP_BYTES: usize = 896;
const GROUPS = memory.data(3584, 16);

/** f32[16 sub-blocks]: the rounded scales. */
const D = memory.data(64, 16);
/** u8[256]: codes in the order of the weights. */
const CODES = memory.data(256, 16);

/** 210 bytes: 128 of lower nibbles, 64 of upper bit pairs, 16 scales, d in half precision. */
export function quantiseQ6K(nBlocks: i32): i32 {
  startDeferring();
  for (let block = 0; block < nBlocks; block++) {
    const target = TARGET + 210 * block;
    if (!fit(SOURCE + 1024 * block)) defer(block);
    else if (storeScales(target)) {
      for (let j = 0; j < 4; j++)
        storeFinalCodes(GROUPS + GROUP_BYTES * j, v128.load(D + 16 * j), CODES + 64 * j);
      packCodes(target, 0);
      packCodes(target, 1);
    } else memory.fill(target, 0, 210);
  }
  return deferred();
}

function fit(source: usize): bool {
  let ordinary = true;
  for (let j = 0; j < 4; j++)
    if (!toLanes(source + 256 * j, 16, GROUPS + GROUP_BYTES * j)) ordinary = false;
  if (!ordinary) return false;
  for (let j = 0; j < 4; j++) fitGroup(GROUPS + GROUP_BYTES * j);
  return true;
}

/** Fits x ≈ scale · code with codes from -32 to 31, weighted by x². */
function fitGroup(group: usize): void {
  const largest = prepare(group);
  const empty = f32x4.lt(f32x4.abs(largest), f32x4.splat(SMALLEST));
  // A largest of 1 keeps an empty lane's numbers harmless until the end.
  const max = v128.bitselect(f32x4.splat(1), largest, empty);
  const first = iscaleOf(0, max);
  const second = iscaleOf(-9, max);
  sumProducts(group, first, second);
  keepFirst(group, first);
  keepBetter(group, second, SUMS_SECOND);
  for (let i = -8; i <= 8; i += 2) {
    // 0 was the first; the last has no partner and is its own, which changes nothing.
    const step = i < 0 ? i : i + 1;
    const a = iscaleOf(step, max);
    const b = iscaleOf(min(step + 1, 9), max);
    sumProducts(group, a, b);
    keepBetter(group, a, SUMS);
    keepBetter(group, b, SUMS_SECOND);
  }
  v128.store(group, v128.andnot(v128.load(group, SCALE), empty), SCALE);
  v128.store(group, empty, EMPTY);
}

@inline
function iscaleOf(step: i32, max: v128): v128 {
  return f32x4.div(f32x4.splat(-(<f32>32 + <f32>0.1 * <f32>step)), max);
}

@inline
function keepFirst(group: usize, iscale: v128): void {
  const zero = f32x4.splat(0);
  const sumLx = v128.load(group, SUMS);
  const sumL2 = v128.load(group, SUMS + 16);
  const scale = v128.bitselect(zero, f32x4.div(sumLx, sumL2), f32x4.eq(sumL2, zero));
  v128.store(group, scale, SCALE);
  v128.store(group, f32x4.mul(scale, sumLx), BEST);
  v128.store(group, iscale, ISCALE);
}

@inline
function keepBetter(group: usize, iscale: v128, sums: usize): void {
  const sumLx = v128.load(group + sums);
  const sumL2 = v128.load(group + sums + 16);
  const best = v128.load(group, BEST);
  const better = v128.and(
    f32x4.gt(sumL2, f32x4.splat(0)),
    f32x4.gt(f32x4.mul(sumLx, sumLx), f32x4.mul(best, sumL2)),
  );
  const scale = f32x4.div(sumLx, sumL2);
  v128.store(group, v128.bitselect(scale, v128.load(group, SCALE), better), SCALE);
  v128.store(group, v128.bitselect(f32x4.mul(scale, sumLx), best, better), BEST);
  v128.store(group, v128.bitselect(iscale, v128.load(group, ISCALE), better), ISCALE);
}

/** The weights' powers; returns each lane's first number of the largest size. */
function prepare(group: usize): v128 {
  let largest = f32x4.splat(0);
  let largestSize = largest;
  for (let p = group; p < group + 256; p += 16) {
    const x = v128.load(p);
    const size = f32x4.abs(x);
    const larger = f32x4.gt(size, largestSize);
    largest = v128.bitselect(x, largest, larger);
    largestSize = v128.bitselect(size, largestSize, larger);
    const square = f32x4.mul(x, x);
    v128.store(p, square, SQUARES);
    v128.store(p, f32x4.mul(square, x), CUBES);
  }
  return largest;
}

/** As |iscale · x| is at most 33, codes never leave the range of float rounding. */
function sumProducts(group: usize, iscaleA: v128, iscaleB: v128): void {
  let sumLxA = f32x4.splat(0);
  let sumL2A = sumLxA;
  let sumLxB = sumLxA;
  let sumL2B = sumLxA;
  for (let p = group; p < group + 256; p += 16) {
    const x = v128.load(p);
    const square = v128.load(p, SQUARES);
    const cube = v128.load(p, CUBES);
    const a = nearestInRange(f32x4.mul(iscaleA, x), -32, 31);
    sumLxA = f32x4.add(sumLxA, f32x4.mul(cube, a));
    sumL2A = f32x4.add(sumL2A, f32x4.mul(f32x4.mul(square, a), a));
    const b = nearestInRange(f32x4.mul(iscaleB, x), -32, 31);
    sumLxB = f32x4.add(sumLxB, f32x4.mul(cube, b));
    sumL2B = f32x4.add(sumL2B, f32x4.mul(f32x4.mul(square, b), b));
  }
  v128.store(group, sumLxA, SUMS);
  v128.store(group, sumL2A, SUMS + 16);
  v128.store(group, sumLxB, SUMS_SECOND);
  v128.store(group, sumL2B, SUMS_SECOND + 16);
}

/** Rounds the 16 scales to 8 bits of the largest, leaves them in D. False for a block of zeros. */
function storeScales(target: usize): bool {
  let max: f32 = 0;
  for (let j = 0; j < 16; j++) {
    const scale = scaleOf(j);
    if (abs(scale) > abs(max)) max = scale;
  }
  if (abs(max) < SMALLEST) return false;
  const iscale = <f32>-128 / max;
  const d = toF16(<f32>1 / iscale);
  store<u16>(target, d, 208);
  for (let j = 0; j < 16; j++) {
    const scale = <i8>min(127, nearestInt(iscale * scaleOf(j)));
    store<i8>(target + j, scale, 192);
    store<f32>(D + 4 * j, fromF16(d) * <f32>scale);
  }
  return true;
}

@inline
function scaleOf(j: i32): f32 {
  return load<f32>(GROUPS + GROUP_BYTES * (j >> 2) + 4 * (j & 3), SCALE);
}

function storeFinalCodes(group: usize, d: v128, target: usize): void {
  for (let i = 0; i < 16; i += 4) {
    const p = group + 16 * i;
    storeCodes(
      target,
      16,
      i,
      finalCode(v128.load(p), d, group),
      finalCode(v128.load(p, 16), d, group),
      finalCode(v128.load(p, 32), d, group),
      finalCode(v128.load(p, 48), d, group),
    );
  }
}

/** Where a scale rounded to 0 the codes of the fit stand, which are 0, not 32, for zeros only. */
@inline
function finalCode(x: v128, d: v128, group: usize): v128 {
  const fitted = nearestWithin(f32x4.mul(v128.load(group, ISCALE), x), -32, 31);
  const rounded = nearestWithin(f32x4.div(x, d), -32, 31);
  const unscaled = f32x4.eq(d, f32x4.splat(0));
  const code = v128.bitselect(fitted, rounded, unscaled);
  const zeros = v128.and(unscaled, v128.load(group, EMPTY));
  return v128.andnot(i32x4.add(code, i32x4.splat(32)), zeros);
}

/** Each half of the block: 128 codes, of which l, l + 32, l + 64 and l + 96 share their bytes. */
function packCodes(target: usize, half: i32): void {
  const nibble = i8x16.splat(15);
  for (let l: usize = 0; l < 32; l += 16) {
    const codes = CODES + 128 * half + l;
    const a = v128.load(codes);
    const b = v128.load(codes, 32);
    const c = v128.load(codes, 64);
    const d = v128.load(codes, 96);
    const low = target + 64 * half + l;
    v128.store(low, v128.or(v128.and(a, nibble), i8x16.shl(c, 4)));
    v128.store(low, v128.or(v128.and(b, nibble), i8x16.shl(d, 4)), 32);
    const ab = v128.or(i8x16.shr_u(a, 4), i8x16.shl(i8x16.shr_u(b, 4), 2));
    const cd = v128.or(i8x16.shl(i8x16.shr_u(c, 4), 4), i8x16.shl(i8x16.shr_u(d, 4), 6));
    v128.store(target + 32 * half + l, v128.or(ab, cd), 128);
  }
}
