// IQ4_NL: blocks of 32 weights, one scale, codes that name one of 16 uneven values.
// Lane = block, four blocks at a time. The value nearest to x is looked up by the half-integer below
// x, as every border between two values is a multiple of a half. Does not interpolate, nor guess.
import {
  defer,
  deferred,
  SOURCE,
  startDeferring,
  storeCodes,
  TARGET,
  toF16,
  toLanes,
} from './lanes';

const VALUES = memory.data<i8>([
  -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
]);
const TRIES = 7;
/** Below it a block counts as zeros. */
const SMALLEST: f32 = 1e-15;

/** x is looked up from -LIMIT on, in halves; codes and values of tries stay below 136. */
const LIMIT = 160;
const NEAREST_VALUE = memory.data(4 * 4 * LIMIT, 16);
const NEAREST_CODE = memory.data(4 * 4 * LIMIT, 16);
/** Adding it to a whole number leaves 4 times the number of halves from -LIMIT in the low 16 bits. */
const TO_OFFSET: f32 = 3145728 + 2 * <f32>LIMIT;

/** f32[32][4 lanes]: the numbers, and their weights in the error. */
const X = memory.data(1024, 16);
const WEIGHTS: usize = 512;
/** f32[2 tries][4 lanes] each: Σwqx and Σwq². */
const SUM_QX = memory.data(32, 16);
const SUM_Q2 = memory.data(32, 16);
/** f32[4 lanes] each: the best scale so far, and its Σwqx · scale. */
const SCALES = memory.data(16, 16);
const BEST = memory.data(16, 16);
/** u8[4 blocks][32] */
const CODES = memory.data(128, 16);

fillTables();

/** 18 bytes: d in half precision, 16 bytes of codes. The last group's lanes may lie past the end. */
export function quantiseIq4Nl(nBlocks: i32): i32 {
  startDeferring();
  for (let block = 0; block < nBlocks; block += 4) {
    const nLanes = min(4, nBlocks - block);
    if (quantiseFour(SOURCE + 128 * block))
      for (let lane = 0; lane < nLanes; lane++) storeBlock(lane, TARGET + 18 * (block + lane));
    else for (let lane = 0; lane < nLanes; lane++) defer(block + lane);
  }
  return deferred();
}

/** Leaves the scales in SCALES, the codes in CODES. */
function quantiseFour(source: usize): bool {
  if (!toLanes(source, 32, X)) return false;
  const one = f32x4.splat(1);
  const largest = prepare();
  const empty = f32x4.lt(f32x4.abs(largest), f32x4.splat(SMALLEST));
  // An empty block has scale 0; a largest of 1 keeps its lane's numbers harmless until the end.
  const max = v128.bitselect(one, largest, empty);
  const first = f32x4.div(one, f32x4.div(f32x4.neg(max), f32x4.splat(-127)));
  sumProducts(first, inverseOf(-TRIES, max));
  keepFirst();
  keepBetter(16);
  for (let step = 1 - TRIES; step < TRIES; step += 2) {
    sumProducts(inverseOf(step, max), inverseOf(step + 1, max));
    keepBetter(0);
    keepBetter(16);
  }
  const scale = v128.andnot(v128.load(SCALES), empty);
  v128.store(SCALES, scale);
  const inverse = v128.andnot(f32x4.div(one, scale), f32x4.eq(scale, f32x4.splat(0)));
  return storeFinalCodes(inverse, f32x4.mul(inverse, max));
}

@inline
function inverseOf(step: i32, max: v128): v128 {
  return f32x4.div(f32x4.splat(<f32>(step - 127)), max);
}

@inline
function keepFirst(): void {
  const zero = f32x4.splat(0);
  const sumQx = v128.load(SUM_QX);
  const sumQ2 = v128.load(SUM_Q2);
  const scale = v128.bitselect(f32x4.div(sumQx, sumQ2), zero, f32x4.gt(sumQ2, zero));
  v128.store(SCALES, scale);
  v128.store(BEST, f32x4.mul(scale, sumQx));
}

@inline
function keepBetter(offset: usize): void {
  const sumQx = v128.load(SUM_QX + offset);
  const sumQ2 = v128.load(SUM_Q2 + offset);
  const best = v128.load(BEST);
  const better = v128.and(
    f32x4.gt(sumQ2, f32x4.splat(0)),
    f32x4.gt(f32x4.mul(sumQx, sumQx), f32x4.mul(best, sumQ2)),
  );
  const scale = f32x4.div(sumQx, sumQ2);
  v128.store(SCALES, v128.bitselect(scale, v128.load(SCALES), better));
  v128.store(BEST, v128.bitselect(f32x4.mul(scale, sumQx), best, better));
}

/** The block's lanes and weights; returns each lane's first number of the largest size. */
function prepare(): v128 {
  let largest = f32x4.splat(0);
  let largestSize = largest;
  for (let p = X; p < X + 512; p += 16) {
    const x = v128.load(p);
    const size = f32x4.abs(x);
    const larger = f32x4.gt(size, largestSize);
    largest = v128.bitselect(x, largest, larger);
    largestSize = v128.bitselect(size, largestSize, larger);
    v128.store(p, f32x4.mul(x, x), WEIGHTS);
  }
  return largest;
}

/** The sums of two tries: the values nearest to inverse · x against x. */
function sumProducts(inverseA: v128, inverseB: v128): void {
  let sumQxA = f32x4.splat(0);
  let sumQ2A = sumQxA;
  let sumQxB = sumQxA;
  let sumQ2B = sumQxA;
  for (let p = X; p < X + 512; p += 16) {
    const x = v128.load(p);
    const w = v128.load(p, WEIGHTS);
    const a = lookUp(NEAREST_VALUE, f32x4.mul(inverseA, x));
    const wa = f32x4.mul(w, a);
    sumQxA = f32x4.add(sumQxA, f32x4.mul(wa, x));
    sumQ2A = f32x4.add(sumQ2A, f32x4.mul(wa, a));
    const b = lookUp(NEAREST_VALUE, f32x4.mul(inverseB, x));
    const wb = f32x4.mul(w, b);
    sumQxB = f32x4.add(sumQxB, f32x4.mul(wb, x));
    sumQ2B = f32x4.add(sumQ2B, f32x4.mul(wb, b));
  }
  v128.store(SUM_QX, sumQxA);
  v128.store(SUM_Q2, sumQ2A);
  v128.store(SUM_QX, sumQxB, 16);
  v128.store(SUM_Q2, sumQ2B, 16);
}

/** False where a code would not be that of a finite number. */
function storeFinalCodes(inverse: v128, largest: v128): bool {
  if (!i32x4.all_true(f32x4.lt(f32x4.abs(largest), f32x4.splat(Infinity)))) return false;
  for (let i = 0; i < 32; i += 4) {
    const p = X + 16 * i;
    const a = finalCode(inverse, v128.load(p));
    const b = finalCode(inverse, v128.load(p, 16));
    const c = finalCode(inverse, v128.load(p, 32));
    const d = finalCode(inverse, v128.load(p, 48));
    storeCodes(CODES, 32, i, a, b, c, d);
  }
  return true;
}

@inline
function finalCode(inverse: v128, x: v128): v128 {
  const limit = f32x4.splat(<f32>(LIMIT - 1));
  const scaled = f32x4.mul(inverse, x);
  return lookUp(NEAREST_CODE, f32x4.pmax(f32x4.neg(limit), f32x4.pmin(limit, scaled)));
}

/** Four entries of a table by the half below each of `x`, which is within LIMIT. */
@inline
function lookUp(table: usize, x: v128): v128 {
  const halves = f32x4.floor(f32x4.add(x, x));
  const offsets = f32x4.add(halves, f32x4.splat(TO_OFFSET));
  const a = v128.load32_zero(table + i16x8.extract_lane_u(offsets, 0));
  const b = v128.load_lane<i32>(table + i16x8.extract_lane_u(offsets, 2), a, 1);
  const c = v128.load_lane<i32>(table + i16x8.extract_lane_u(offsets, 4), b, 2);
  return v128.load_lane<i32>(table + i16x8.extract_lane_u(offsets, 6), c, 3);
}

function storeBlock(lane: i32, target: usize): void {
  store<u16>(target, toF16(load<f32>(SCALES + 4 * lane)));
  const low = v128.load(CODES + 32 * lane);
  const high = i8x16.shl(v128.load(CODES + 32 * lane, 16), 4);
  v128.store(target, v128.or(low, high), 2);
}

/** A border belongs to the value above it. */
function fillTables(): void {
  for (let i = 0; i < 4 * LIMIT; i++) {
    const x = <f32>(i - 2 * LIMIT) / 2;
    let code = 0;
    while (code < 15 && x >= <f32>(valueOf(code) + valueOf(code + 1)) / 2) code++;
    store<f32>(NEAREST_VALUE + 4 * i, <f32>valueOf(code));
    store<i32>(NEAREST_CODE + 4 * i, code);
  }
}

function valueOf(code: i32): i32 {
  return load<i8>(VALUES + code);
}
