// What fits where, turned over: a row a device, a cell a model.
// Devices that hold every model say little; whoever shows the rows may sum those up.
import type { Device } from '../../devices/catalogue/device.js';
import type { Fit } from '../../devices/fit/fit.js';
import type { Compared } from './comparison.js';

export type DeviceRow = {
  device: Device;
  /** One for each of {@link fittedModels}. */
  cells: (Fit | undefined)[];
  holdsAll: boolean;
};

export function fittedModels(models: readonly Compared[]): Compared[] {
  return models.filter(({ fits }) => fits.length > 0);
}

/** Of models with the same catalogue. */
export function deviceRows(models: readonly Compared[]): DeviceRow[] {
  const fitted = fittedModels(models);
  return (fitted[0]?.fits ?? []).map(({ device }, index) => {
    const cells = fitted.map(({ fits }) => fits[index]);
    return { device, cells, holdsAll: cells.every((fit) => fit?.verdict.kind === 'fits') };
  });
}
