// Options without those that were not given: an `undefined` would win over a default where two are spread
// into one, and `exactOptionalPropertyTypes` tells it from what is left out.

type Defined<Options> = { [Name in keyof Options]?: Exclude<Options[Name], undefined> };

export function defined<Options extends object>(options: Options): Defined<Options> {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Defined<Options>;
}
