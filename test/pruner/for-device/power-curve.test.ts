import t from 'tap';
import { PowerCurve } from '../../../pruner/for-device/power-curve.js';

t.test('a guess holds until something is measured, then what was measured', async (t) => {
  const curve = new PowerCurve(2, { x: 1, y: 1 });
  t.equal(curve.at(3), 9);
  t.equal(curve.at(0), 0);
  t.notOk(curve.isMeasured);
  curve.add({ x: 1, y: 5 });
  t.equal(curve.at(1), 5);
  t.equal(curve.at(2), 20, 'beyond it by the exponent');
  curve.add({ x: 4, y: 5 * 4 ** 3 });
  t.ok(Math.abs(curve.at(2) - 5 * 2 ** 3) < 1e-9, 'between two points as a power through both');
  t.equal(curve.at(8), 4 * 5 * 4 ** 3);
  t.equal(curve.at(0.5), 5 / 4);
});

t.test('what is not positive is no point of a power', async (t) => {
  const curve = new PowerCurve(1, { x: 1, y: 1 });
  curve.add({ x: 1, y: -0.1 });
  curve.add({ x: 0, y: 1 });
  t.equal(curve.at(2), 2);
});
