// One class of machine that a model may have to fit, as the catalogue and the probe both describe it.
// Plain figures, so that prediction never asks where a device came from.
import type { Backend } from '../../llama/settings.js';

export interface Device {
  /** as typed after --device: `rtx-3060-8gb` */
  readonly id: string;
  readonly name: string;
  /** discrete: a card with memory of its own; shared: GPU and CPU share the system's memory; cpu: no GPU that llama.cpp uses */
  readonly kind: 'discrete' | 'shared' | 'cpu';
  readonly backend: Backend;
  /** as sold: the card's memory, or the system's where it is shared */
  readonly memoryBytes: number;
  /** what system, display and driver keep of it before a model is loaded */
  readonly reservedBytes: number;
  readonly bandwidthBytesPerSecond: number;
  /** the bandwidth is what copying reached on the machine itself, not what a data sheet promises */
  readonly isBandwidthMeasured?: boolean;
  /** dense half-precision operations a second, a multiply and an add counting as two */
  readonly computeFlops: number;
}
