// What fits where, turned over: a row a device, a cell a model.
// Devices that hold every model say little; whoever shows the rows may sum those up.
// Predicts nothing.
import type { Device } from '../../devices/catalogue/device.js';
import type { Fit } from '../../devices/fit/fit.js';
import type { Compared } from './comparison.js';

export type DeviceRow = {
  device: Device;
  /** One a model; undefined where it was not asked. */
  cells: (Fit | undefined)[];
};

/** Of models with the same catalogue. */
export function devicesOf(models: readonly Compared[]): DeviceRow[] {
  const [first] = models;
  return (first?.fits ?? []).map(({ device }, index) => ({
    device,
    cells: models.map(({ fits }) => fits[index]),
  }));
}

export function isFitting(fit: Fit | undefined): boolean {
  return fit?.verdict.kind === 'fits';
}
