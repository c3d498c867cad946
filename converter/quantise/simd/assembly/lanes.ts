// What the kernels share: the buffers, the lane layout, and llama.cpp's roundings for four lanes.
// Lane layout: four sub-blocks of a row run side by side, element i of all four in one vector
// ([nElements][4 lanes]), so each lane sums its sub-block in the order in which scalar code does.

/** Weights per call: whole blocks of every type, and small enough for a core's own cache. */
export const MAX_WEIGHTS = 32768;
/** f32[MAX_WEIGHTS], rows as they come. */
export const SOURCE = memory.data(MAX_WEIGHTS * 4, 16);
/** Finished blocks; no type here takes more than a byte per weight. */
export const TARGET = memory.data(MAX_WEIGHTS, 16);
/** u32 indices of blocks that the caller must quantise elsewhere. */
export const DEFERRED = memory.data((MAX_WEIGHTS / 32) * 4, 16);

/** Beyond it a block's scale comes near the end of float16; no trained weight is near. */
const LARGEST: f32 = 1048576;

/** Adding it to a float32 below 2^22 leaves the nearest integer in the low bits. */
const MAGIC: f32 = 12582912;

let nDeferred: i32 = 0;

export function startDeferring(): void {
  nDeferred = 0;
}

export function defer(block: i32): void {
  store<u32>(DEFERRED + 4 * nDeferred++, block);
}

export function deferred(): i32 {
  return nDeferred;
}

/**
 * Four sub-blocks of `n` f32, one behind the other at `source`, as [n][4 lanes] at `target`.
 * False where a weight is so large (or no number) that the kernels do not take the block.
 */
export function toLanes(source: usize, n: i32, target: usize): bool {
  const stride: usize = 4 * n;
  let ordinary = i32x4.splat(-1);
  for (let i: usize = 0; i < stride; i += 16) {
    const a = v128.load(source + i);
    const b = v128.load(source + i + stride);
    const c = v128.load(source + i + 2 * stride);
    const d = v128.load(source + i + 3 * stride);
    const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
    const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
    const abHigh = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
    const cdHigh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
    const lanes = target + 4 * i;
    v128.store(lanes, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5));
    v128.store(lanes, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7), 16);
    v128.store(lanes, v128.shuffle<f32>(abHigh, cdHigh, 0, 1, 4, 5), 32);
    v128.store(lanes, v128.shuffle<f32>(abHigh, cdHigh, 2, 3, 6, 7), 48);
    const largest = f32x4.max(
      f32x4.max(f32x4.abs(a), f32x4.abs(b)),
      f32x4.max(f32x4.abs(c), f32x4.abs(d)),
    );
    ordinary = v128.and(ordinary, f32x4.le(largest, f32x4.splat(LARGEST)));
  }
  return i32x4.all_true(ordinary);
}

/** Codes of elements i to i+3, [4][4 lanes] i32 from 0 to 255, as bytes: `n` per sub-block. */
@inline
export function storeCodes(
  target: usize,
  n: i32,
  i: i32,
  a: v128,
  b: v128,
  c: v128,
  d: v128,
): void {
  const bytes = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));
  const byLane = v128.shuffle<i8>(
    bytes,
    bytes,
    0,
    4,
    8,
    12,
    1,
    5,
    9,
    13,
    2,
    6,
    10,
    14,
    3,
    7,
    11,
    15,
  );
  const at = target + i;
  v128.store_lane<i32>(at, byLane, 0);
  v128.store_lane<i32>(at + n, byLane, 1);
  v128.store_lane<i32>(at + 2 * n, byLane, 2);
  v128.store_lane<i32>(at + 3 * n, byLane, 3);
}

/** llama.cpp's nearest integer, also for what is out of its range, held between two bounds. */
@inline
export function nearestWithin(x: v128, lowest: i32, highest: i32): v128 {
  const bits = f32x4.add(x, f32x4.splat(MAGIC));
  const nearest = i32x4.sub(v128.and(bits, i32x4.splat(0x7fffff)), i32x4.splat(0x400000));
  return i32x4.max_s(i32x4.splat(lowest), i32x4.min_s(i32x4.splat(highest), nearest));
}

/** The same for a number below 2^22, as a float: the clamped sum's low bits are the integer. */
@inline
export function nearestInRange(x: v128, lowest: f32, highest: f32): v128 {
  const sum = f32x4.add(x, f32x4.splat(MAGIC));
  const clamped = f32x4.pmin(
    f32x4.splat(MAGIC + highest),
    f32x4.pmax(f32x4.splat(MAGIC + lowest), sum),
  );
  return f32x4.sub(clamped, f32x4.splat(MAGIC));
}

/** All lanes of both within the range of {@link nearestInRange}; NaN is not. */
@inline
export function inRange(a: v128, b: v128): bool {
  const limit = f32x4.splat(4194303);
  return i32x4.all_true(v128.and(f32x4.lt(f32x4.abs(a), limit), f32x4.lt(f32x4.abs(b), limit)));
}

export function nearestInt(x: f32): i32 {
  return (reinterpret<i32>(x + MAGIC) & 0x7fffff) - 0x400000;
}

/** To the nearest half-precision number, ties to even; `x` is finite. */
export function toF16(x: f32): u16 {
  const sign = (reinterpret<u32>(x) >> 16) & 0x8000;
  const bits = reinterpret<u32>(abs(x));
  // Below 2^-14 half precision counts in steps of 2^-24, as float32 does from 0.5 to 1.
  if (bits < 0x38800000) return <u16>(sign | (reinterpret<u32>(abs(x) + <f32>0.5) - 0x3f000000));
  const rounded = (bits - 0x38000000 + 0xfff + ((bits >> 13) & 1)) >> 13;
  return <u16>(sign | min<u32>(rounded, 0x7c00));
}

/** `h` is finite. */
export function fromF16(h: u16): f32 {
  const magnitude = reinterpret<f32>((<u32>(h & 0x7fff)) << 13) * <f32>5.192296858534828e33;
  return h & 0x8000 ? -magnitude : magnitude;
}
