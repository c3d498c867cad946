// Figures of the charts as a person reads them, short enough to stand beside a bar.

export type Words = (value: number) => string;

export function figure(value: number): string {
  return new Intl.NumberFormat('en', { maximumSignificantDigits: value < 1000 ? 3 : 4 }).format(
    value,
  );
}

export function duration(ms: number): string {
  return ms < 1000 ? `${figure(ms)} ms` : `${figure(ms / 1000)} s`;
}

export function memory(mib: number): string {
  return mib >= 1024 ? `${figure(mib / 1024)} GiB` : `${figure(mib)} MiB`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
}
