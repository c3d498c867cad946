// Fits x ≈ scale · code + min in every sub-block, weighted: llama.cpp's search for Q2_K, Q4_K, Q5_K.
// Lane = sub-block, four to a group, two groups in step: a group's sums alone would wait for each
// addition before the next. Does not know blocks: rounding the scales themselves is each type's own.
import { inRange, nearestInRange, nearestWithin, storeCodes } from './lanes';

// A group's fields, as offsets: f32[32][4 lanes] of numbers, weights in the error and codes tried,
/** The numbers lie at offset 0. */
export const WEIGHTS: usize = 512;
const CODES: usize = 1024;
// and f32[4 lanes] each of the sub-blocks' extremes and sums,
const SMALLEST: usize = 1536;
const LARGEST: usize = 1552;
const SUM_W: usize = 1568;
const SUM_X: usize = 1584;
const FLAT: usize = 1600;
// the try,
const TRY_ISCALE: usize = 1616;
const TRY_SCALE: usize = 1632;
const TRY_MIN: usize = 1648;
const SUM_L: usize = 1664;
const SUM_L2: usize = 1680;
const SUM_XL: usize = 1696;
const DETERMINANT: usize = 1712;
const ERROR: usize = 1728;
// and the best so far, with iscale and base from which its codes follow.
export const SCALE: usize = 1744;
export const MIN: usize = 1760;
const BEST_ERROR: usize = 1776;
const BEST_ISCALE: usize = 1792;
const BEST_BASE: usize = 1808;
export const GROUP_BYTES: usize = 1824;

/**
 * Fits the eight sub-blocks of `n` in the two groups at `x` with codes from 0 to `nMax`, and leaves
 * scale and min. `absolute` sums |error| rather than its square. False where a number leaves the
 * range in which vectors round as llama.cpp does.
 */
@inline
export function fit(
  x: usize,
  n: i32,
  nMax: f32,
  firstStep: f32,
  nSteps: i32,
  absolute: bool,
): bool {
  const y = x + GROUP_BYTES;
  begin(x, n);
  begin(y, n);
  if (!scaleTo(x, nMax) || !scaleTo(y, nMax)) return false;
  sumProducts(x, n, nMax);
  takeFirst(x);
  takeFirst(y);
  sumErrors(x, n, absolute);
  keepFirst(x);
  keepFirst(y);
  for (let step = 0; step <= nSteps; step++) {
    const range = firstStep + <f32>0.1 * <f32>step + nMax;
    if (!scaleTo(x, range) || !scaleTo(y, range)) return false;
    sumProducts(x, n, nMax);
    solve(x);
    solve(y);
    sumErrors(x, n, absolute);
    keepBetter(x);
    keepBetter(y);
  }
  end(x);
  end(y);
  return true;
}

function begin(x: usize, n: i32): void {
  let smallest = v128.load(x);
  let largest = smallest;
  let sumW = v128.load(x, WEIGHTS);
  let sumX = f32x4.mul(sumW, smallest);
  for (let p = x + 16; p < x + 16 * n; p += 16) {
    const xi = v128.load(p);
    const w = v128.load(p, WEIGHTS);
    smallest = f32x4.pmin(smallest, xi);
    largest = f32x4.pmax(largest, xi);
    sumW = f32x4.add(sumW, w);
    sumX = f32x4.add(sumX, f32x4.mul(w, xi));
  }
  const zero = f32x4.splat(0);
  const min = v128.bitselect(zero, smallest, f32x4.gt(smallest, zero));
  const flat = f32x4.eq(largest, min);
  // A flat sub-block has scale 0; a width of 1 keeps its lane's numbers harmless until the end.
  largest = v128.bitselect(f32x4.add(min, f32x4.splat(1)), largest, flat);
  v128.store(x, smallest, SMALLEST);
  v128.store(x, largest, LARGEST);
  v128.store(x, sumW, SUM_W);
  v128.store(x, sumX, SUM_X);
  v128.store(x, flat, FLAT);
  v128.store(x, min, MIN);
}

/**
 * Sets the try's iscale, so that the numbers from min to the largest take codes 0 to `range`. False
 * if a code can leave the range of float rounding; the extremes tell, as rounding keeps order.
 */
function scaleTo(x: usize, range: f32): bool {
  const min = v128.load(x, MIN);
  const largest = v128.load(x, LARGEST);
  const iscale = f32x4.div(f32x4.splat(range), f32x4.sub(largest, min));
  v128.store(x, iscale, TRY_ISCALE);
  return inRange(
    f32x4.mul(iscale, f32x4.sub(v128.load(x, SMALLEST), min)),
    f32x4.mul(iscale, f32x4.sub(largest, min)),
  );
}

/** The try's codes of both groups, and their sums Σwl, Σwl², Σwlx. */
@inline
function sumProducts(x: usize, n: i32, nMax: f32): void {
  const y = x + GROUP_BYTES;
  const iscaleX = v128.load(x, TRY_ISCALE);
  const iscaleY = v128.load(y, TRY_ISCALE);
  const minX = v128.load(x, MIN);
  const minY = v128.load(y, MIN);
  let sumLX = f32x4.splat(0);
  let sumLY = sumLX;
  let sumL2X = sumLX;
  let sumL2Y = sumLX;
  let sumXlX = sumLX;
  let sumXlY = sumLX;
  for (let p = x; p < x + 16 * n; p += 16) {
    const xi = v128.load(p);
    const code = nearestInRange(f32x4.mul(iscaleX, f32x4.sub(xi, minX)), 0, nMax);
    v128.store(p, code, CODES);
    const wl = f32x4.mul(v128.load(p, WEIGHTS), code);
    sumLX = f32x4.add(sumLX, wl);
    sumL2X = f32x4.add(sumL2X, f32x4.mul(wl, code));
    sumXlX = f32x4.add(sumXlX, f32x4.mul(wl, xi));
    const yi = v128.load(p, GROUP_BYTES);
    const codeY = nearestInRange(f32x4.mul(iscaleY, f32x4.sub(yi, minY)), 0, nMax);
    v128.store(p, codeY, GROUP_BYTES + CODES);
    const wlY = f32x4.mul(v128.load(p, GROUP_BYTES + WEIGHTS), codeY);
    sumLY = f32x4.add(sumLY, wlY);
    sumL2Y = f32x4.add(sumL2Y, f32x4.mul(wlY, codeY));
    sumXlY = f32x4.add(sumXlY, f32x4.mul(wlY, yi));
  }
  v128.store(x, sumLX, SUM_L);
  v128.store(x, sumL2X, SUM_L2);
  v128.store(x, sumXlX, SUM_XL);
  v128.store(y, sumLY, SUM_L);
  v128.store(y, sumL2Y, SUM_L2);
  v128.store(y, sumXlY, SUM_XL);
}

/** The first try's scale and min are those of its range; no line is fitted. */
function takeFirst(x: usize): void {
  v128.store(x, f32x4.div(f32x4.splat(1), v128.load(x, TRY_ISCALE)), TRY_SCALE);
  v128.store(x, v128.load(x, MIN), TRY_MIN);
}

/** The scale and min that fit the try's codes best by least squares, min at most 0. */
function solve(x: usize): void {
  const sumW = v128.load(x, SUM_W);
  const sumX = v128.load(x, SUM_X);
  const sumL = v128.load(x, SUM_L);
  const sumL2 = v128.load(x, SUM_L2);
  const sumXl = v128.load(x, SUM_XL);
  const zero = f32x4.splat(0);
  const determinant = f32x4.sub(f32x4.mul(sumW, sumL2), f32x4.mul(sumL, sumL));
  const scale = f32x4.sub(f32x4.mul(sumW, sumXl), f32x4.mul(sumX, sumL));
  const min = f32x4.div(f32x4.sub(f32x4.mul(sumL2, sumX), f32x4.mul(sumL, sumXl)), determinant);
  const above = f32x4.gt(min, zero);
  const numerator = v128.bitselect(sumXl, scale, above);
  const denominator = v128.bitselect(sumL2, determinant, above);
  v128.store(x, f32x4.div(numerator, denominator), TRY_SCALE);
  v128.store(x, v128.bitselect(zero, min, above), TRY_MIN);
  v128.store(x, determinant, DETERMINANT);
}

@inline
function sumErrors(x: usize, n: i32, absolute: bool): void {
  const y = x + GROUP_BYTES;
  const scaleX = v128.load(x, TRY_SCALE);
  const scaleY = v128.load(y, TRY_SCALE);
  const minX = v128.load(x, TRY_MIN);
  const minY = v128.load(y, TRY_MIN);
  let sumX = f32x4.splat(0);
  let sumY = sumX;
  for (let p = x; p < x + 16 * n; p += 16) {
    const ex = error(scaleX, v128.load(p, CODES), minX, v128.load(p), absolute);
    sumX = f32x4.add(sumX, f32x4.mul(v128.load(p, WEIGHTS), ex));
    const ey = error(
      scaleY,
      v128.load(p, GROUP_BYTES + CODES),
      minY,
      v128.load(p, GROUP_BYTES),
      absolute,
    );
    sumY = f32x4.add(sumY, f32x4.mul(v128.load(p, GROUP_BYTES + WEIGHTS), ey));
  }
  v128.store(x, sumX, ERROR);
  v128.store(y, sumY, ERROR);
}

@inline
function error(scale: v128, code: v128, min: v128, x: v128, absolute: bool): v128 {
  const difference = f32x4.sub(f32x4.add(f32x4.mul(scale, code), min), x);
  return absolute ? f32x4.abs(difference) : f32x4.mul(difference, difference);
}

function keepFirst(x: usize): void {
  v128.store(x, v128.load(x, TRY_SCALE), SCALE);
  v128.store(x, v128.load(x, ERROR), BEST_ERROR);
  v128.store(x, v128.load(x, TRY_ISCALE), BEST_ISCALE);
  v128.store(x, v128.load(x, MIN), BEST_BASE);
}

/** The next try starts from the min that is kept, as llama.cpp's does. */
function keepBetter(x: usize): void {
  const better = v128.and(
    f32x4.gt(v128.load(x, DETERMINANT), f32x4.splat(0)),
    f32x4.lt(v128.load(x, ERROR), v128.load(x, BEST_ERROR)),
  );
  keep(x, better, MIN, BEST_BASE);
  keep(x, better, ERROR, BEST_ERROR);
  keep(x, better, TRY_ISCALE, BEST_ISCALE);
  keep(x, better, TRY_SCALE, SCALE);
  keep(x, better, TRY_MIN, MIN);
}

@inline
function keep(x: usize, better: v128, tried: usize, best: usize): void {
  v128.store(x + best, v128.bitselect(v128.load(x + tried), v128.load(x + best), better));
}

function end(x: usize): void {
  const flat = v128.load(x, FLAT);
  v128.store(x, v128.andnot(v128.load(x, SCALE), flat), SCALE);
  v128.store(x, v128.andnot(v128.load(x, BEST_ISCALE), flat), BEST_ISCALE);
}

/**
 * The final codes of a group for its rounded scales `d` and mins `dm`, as bytes at `target`, `n` per
 * sub-block. Where a scale rounded to 0 the codes of the fit stand.
 */
@inline
export function storeFinalCodes(
  x: usize,
  n: i32,
  nMax: i32,
  d: v128,
  dm: v128,
  target: usize,
): void {
  for (let i = 0; i < n; i += 4) {
    const p = x + 16 * i;
    storeCodes(
      target,
      n,
      i,
      finalCode(v128.load(p), d, dm, x, nMax),
      finalCode(v128.load(p, 16), d, dm, x, nMax),
      finalCode(v128.load(p, 32), d, dm, x, nMax),
      finalCode(v128.load(p, 48), d, dm, x, nMax),
    );
  }
}

@inline
function finalCode(xi: v128, d: v128, dm: v128, x: usize, nMax: i32): v128 {
  const fitted = f32x4.mul(v128.load(x, BEST_ISCALE), f32x4.sub(xi, v128.load(x, BEST_BASE)));
  return v128.bitselect(
    nearestWithin(fitted, 0, nMax),
    nearestWithin(f32x4.div(f32x4.add(xi, dm), d), 0, nMax),
    f32x4.eq(d, f32x4.splat(0)),
  );
}
