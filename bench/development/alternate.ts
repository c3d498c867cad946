// Two measurements in turn, so that both see the same machine.

/** Runs both in turn, the first to go changing, so that a drift of the machine cancels out. */
export async function alternate<A, B>(
  round: number,
  first: () => Promise<A>,
  second: () => Promise<B>,
): Promise<[A, B]> {
  if (round % 2 === 0) {
    const a = await first();
    return [a, await second()];
  }
  const b = await second();
  return [await first(), b];
}
