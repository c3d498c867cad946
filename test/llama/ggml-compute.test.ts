// Products of matrices by ggml against a plain loop in double precision.
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { openCompute } from '../../llama/ggml-compute.js';
import { collectGarbage } from '../../terminal/garbage.js';

const compute = openCompute({ threads: 2 });
t.teardown(() => compute.close());

for (const sizes of [
  { m: 1, n: 1, k: 1 },
  { m: 3, n: 5, k: 7 },
  { m: 65, n: 130, k: 512 },
  { m: 200, n: 1, k: 33 },
])
  t.test(`${sizes.m} × ${sizes.k} by ${sizes.n} × ${sizes.k}`, async (t) => {
    const { m, n, k } = sizes;
    const [a, b] = [random(m * k), random(n * k)];
    const c = await compute.multiply(a, b, sizes);
    t.equal(c.length, m * n);
    for (const [i, value] of c.entries())
      if (Math.abs(value - dot(a, b, { row: Math.floor(i / n), other: i % n, k })) > 1e-4)
        t.fail(`element ${i} is ${value}`);
  });

t.test('products asked for at once come each for itself', async (t) => {
  const products = await Promise.all(
    [1, 2, 3].map((x) =>
      compute.multiply(Float32Array.of(x), Float32Array.of(10), { m: 1, n: 1, k: 1 }),
    ),
  );
  t.same(
    products.map(([value]) => value),
    [10, 20, 30],
  );
});

t.test('a product that its caller has let go is given back', async (t) => {
  const n = 1000;
  const matrix = new Float32Array(n * n);
  const product = new WeakRef(await compute.multiply(matrix, matrix, { m: n, n, k: n }));
  await setImmediate();
  collectGarbage();
  t.equal(product.deref()?.byteLength ?? 0, 0);
});

t.test('sizes that are not the matrices’ are refused', (t) => {
  const one = Float32Array.of(1);
  t.throws(() => compute.multiply(one, one, { m: 2, n: 1, k: 1 }), RangeError);
  t.end();
});

function random(length: number): Float32Array {
  return Float32Array.from({ length }, () => Math.random() - 0.3);
}

function dot(
  a: Float32Array,
  b: Float32Array,
  { row, other, k }: { row: number; other: number; k: number },
): number {
  let sum = 0;
  for (let i = 0; i < k; i++) sum += (a[row * k + i] as number) * (b[other * k + i] as number);
  return sum;
}
